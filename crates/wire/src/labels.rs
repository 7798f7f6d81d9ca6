//! Labels: their list, requests and answers.

use crate::collection::{collections, decoded_collections};
use crate::number::BooleanType;
use crate::structure::{requests, structures};
use crate::text::{ResourceIdType, SharedLabel};

collections! {
    /// The labels of a folder or document.
    list SharedLabels of SharedLabel, [] [20];
}

decoded_collections! {
    list SharedLabels of SharedLabel;
}

structures! {
    /// The answer to `CreateLabels`.
    CreateLabelsResponse {}
    /// The answer to `DeleteLabels`.
    DeleteLabelsResponse {}
}

requests! {
    CreateLabels(CreateLabelsRequest) -> CreateLabelsResponse {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The labels to add.
        labels: SharedLabels, required body "Labels";
    }
    DeleteLabels(DeleteLabelsRequest) -> DeleteLabelsResponse {
        /// The folder or document.
        resource_id: ResourceIdType, required uri "ResourceId";
        /// The labels to remove.
        labels: SharedLabels, optional query "Labels" as "labels";
        /// Whether every label is meant.
        delete_all: BooleanType, optional query "DeleteAll" as "deleteAll";
    }
}
