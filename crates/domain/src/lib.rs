//! What is true, whatever the storage and the protocol: ids, names, lifecycles, refusals. Pure.
