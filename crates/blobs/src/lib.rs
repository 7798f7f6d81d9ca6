//! The bytes of the documents, behind one trait.
