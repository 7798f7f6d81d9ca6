//! The 44 operations of the service, one row each; everything else about them is derived.

use crate::ErrorCode;

/// What a user's token must allow before an operation may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The operation only looks.
    Read,
    /// The operation may change something.
    Write,
}

/// Declares every operation: name, method, path, status of success, scope, declared errors.
macro_rules! operations {
    ($($name:ident $method:ident $path:literal $status:literal $scope:ident [$($error:ident)*];)*) => {
        /// An operation of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $(
                #[doc = concat!("`", stringify!($method), " ", $path, "`, answers ", stringify!($status), ".")]
                $name,
            )*
        }

        impl Operation {
            /// Every operation, by name.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The operation's name in the service model.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The HTTP method.
            pub const fn method(self) -> &'static str {
                match self { $(Self::$name => stringify!($method),)* }
            }

            /// The path, with each member it carries in braces: `/api/v1/folders/{FolderId}`.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// The HTTP status of success.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What a user's token must allow.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }

            /// The errors that the model declares for the operation.
            pub const fn errors(self) -> &'static [ErrorCode] {
                match self { $(Self::$name => &[$(ErrorCode::$error),*],)* }
            }

            /// The action an IAM policy names to allow the operation: `workdocs:CreateFolder`.
            pub const fn iam_action(self) -> &'static str {
                match self { $(Self::$name => concat!("workdocs:", stringify!($name)),)* }
            }
        }
    };
}

operations! {
    AbortDocumentVersionUpload DELETE "/api/v1/documents/{DocumentId}/versions/{VersionId}" 204 Write
        [EntityNotExists ProhibitedState UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable ConcurrentModification];
    ActivateUser POST "/api/v1/users/{UserId}/activation" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    AddResourcePermissions POST "/api/v1/resources/{ResourceId}/permissions" 201 Write
        [UnauthorizedOperation UnauthorizedResourceAccess FailedDependency ServiceUnavailable
         ProhibitedState];
    CreateComment POST "/api/v1/documents/{DocumentId}/versions/{VersionId}/comment" 201 Write
        [EntityNotExists ProhibitedState UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable DocumentLockedForComments InvalidCommentOperation];
    CreateCustomMetadata PUT "/api/v1/resources/{ResourceId}/customMetadata" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess ProhibitedState
         CustomMetadataLimitExceeded FailedDependency ServiceUnavailable];
    CreateFolder POST "/api/v1/folders" 201 Write
        [EntityNotExists EntityAlreadyExists ProhibitedState ConflictingOperation
         ConcurrentModification LimitExceeded UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable];
    CreateLabels PUT "/api/v1/resources/{ResourceId}/labels" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable TooManyLabels];
    CreateNotificationSubscription POST "/api/v1/organizations/{OrganizationId}/subscriptions" 200 Write
        [UnauthorizedResourceAccess TooManySubscriptions ServiceUnavailable InvalidArgument];
    CreateUser POST "/api/v1/users" 201 Write
        [EntityAlreadyExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DeactivateUser DELETE "/api/v1/users/{UserId}/activation" 204 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DeleteComment DELETE "/api/v1/documents/{DocumentId}/versions/{VersionId}/comment/{CommentId}" 204 Write
        [EntityNotExists ProhibitedState UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable DocumentLockedForComments];
    DeleteCustomMetadata DELETE "/api/v1/resources/{ResourceId}/customMetadata" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess ProhibitedState
         FailedDependency ServiceUnavailable];
    DeleteDocument DELETE "/api/v1/documents/{DocumentId}" 204 Write
        [EntityNotExists LimitExceeded ProhibitedState ConflictingOperation
         ConcurrentModification UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DeleteDocumentVersion DELETE "/api/v1/documentVersions/{DocumentId}/versions/{VersionId}" 204 Write
        [EntityNotExists ProhibitedState ConflictingOperation ConcurrentModification
         UnauthorizedResourceAccess FailedDependency InvalidOperation UnauthorizedOperation];
    DeleteFolder DELETE "/api/v1/folders/{FolderId}" 204 Write
        [EntityNotExists LimitExceeded ProhibitedState ConflictingOperation
         ConcurrentModification UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DeleteFolderContents DELETE "/api/v1/folders/{FolderId}/contents" 204 Write
        [EntityNotExists ProhibitedState ConflictingOperation UnauthorizedOperation
         UnauthorizedResourceAccess FailedDependency ServiceUnavailable];
    DeleteLabels DELETE "/api/v1/resources/{ResourceId}/labels" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable ProhibitedState];
    DeleteNotificationSubscription DELETE "/api/v1/organizations/{OrganizationId}/subscriptions/{SubscriptionId}" 200 Write
        [UnauthorizedResourceAccess EntityNotExists ServiceUnavailable ProhibitedState];
    DeleteUser DELETE "/api/v1/users/{UserId}" 204 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DescribeActivities GET "/api/v1/activities" 200 Read
        [UnauthorizedOperation UnauthorizedResourceAccess InvalidArgument FailedDependency
         ServiceUnavailable];
    DescribeComments GET "/api/v1/documents/{DocumentId}/versions/{VersionId}/comments" 200 Read
        [EntityNotExists ProhibitedState UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable];
    DescribeDocumentVersions GET "/api/v1/documents/{DocumentId}/versions" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess InvalidArgument
         FailedDependency ServiceUnavailable ProhibitedState InvalidPassword];
    DescribeFolderContents GET "/api/v1/folders/{FolderId}/contents" 200 Read
        [EntityNotExists UnauthorizedResourceAccess InvalidArgument FailedDependency
         ServiceUnavailable ProhibitedState];
    DescribeGroups GET "/api/v1/groups" 200 Read
        [UnauthorizedOperation UnauthorizedResourceAccess FailedDependency ServiceUnavailable];
    DescribeNotificationSubscriptions GET "/api/v1/organizations/{OrganizationId}/subscriptions" 200 Read
        [UnauthorizedResourceAccess EntityNotExists ServiceUnavailable];
    DescribeResourcePermissions GET "/api/v1/resources/{ResourceId}/permissions" 200 Read
        [InvalidArgument UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    DescribeRootFolders GET "/api/v1/me/root" 200 Read
        [UnauthorizedOperation UnauthorizedResourceAccess InvalidArgument FailedDependency
         ServiceUnavailable];
    DescribeUsers GET "/api/v1/users" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable InvalidArgument RequestedEntityTooLarge];
    GetCurrentUser GET "/api/v1/me" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    GetDocument GET "/api/v1/documents/{DocumentId}" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess InvalidArgument
         FailedDependency ServiceUnavailable InvalidPassword];
    GetDocumentPath GET "/api/v1/documents/{DocumentId}/path" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    GetDocumentVersion GET "/api/v1/documents/{DocumentId}/versions/{VersionId}" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable ProhibitedState InvalidPassword];
    GetFolder GET "/api/v1/folders/{FolderId}" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess InvalidArgument
         FailedDependency ServiceUnavailable ProhibitedState];
    GetFolderPath GET "/api/v1/folders/{FolderId}/path" 200 Read
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    GetResources GET "/api/v1/resources" 200 Read
        [UnauthorizedResourceAccess UnauthorizedOperation InvalidArgument FailedDependency
         ServiceUnavailable];
    InitiateDocumentVersionUpload POST "/api/v1/documents" 201 Write
        [EntityNotExists EntityAlreadyExists StorageLimitExceeded StorageLimitWillExceed
         LimitExceeded ProhibitedState UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable DraftUploadOutOfSync ResourceAlreadyCheckedOut
         InvalidPassword InvalidArgument];
    RemoveAllResourcePermissions DELETE "/api/v1/resources/{ResourceId}/permissions" 204 Write
        [UnauthorizedOperation UnauthorizedResourceAccess FailedDependency ServiceUnavailable];
    RemoveResourcePermission DELETE "/api/v1/resources/{ResourceId}/permissions/{PrincipalId}" 204 Write
        [UnauthorizedOperation UnauthorizedResourceAccess FailedDependency ServiceUnavailable];
    RestoreDocumentVersions POST "/api/v1/documentVersions/restore/{DocumentId}" 204 Write
        [EntityNotExists ProhibitedState ConflictingOperation ConcurrentModification
         UnauthorizedResourceAccess FailedDependency InvalidOperation UnauthorizedOperation];
    SearchResources POST "/api/v1/search" 200 Read
        [InvalidArgument UnauthorizedResourceAccess UnauthorizedOperation ServiceUnavailable];
    UpdateDocument PATCH "/api/v1/documents/{DocumentId}" 200 Write
        [EntityNotExists EntityAlreadyExists LimitExceeded ProhibitedState ConflictingOperation
         ConcurrentModification UnauthorizedOperation UnauthorizedResourceAccess FailedDependency
         ServiceUnavailable];
    UpdateDocumentVersion PATCH "/api/v1/documents/{DocumentId}/versions/{VersionId}" 200 Write
        [EntityNotExists ProhibitedState ConcurrentModification InvalidOperation
         UnauthorizedOperation UnauthorizedResourceAccess FailedDependency ServiceUnavailable];
    UpdateFolder PATCH "/api/v1/folders/{FolderId}" 200 Write
        [EntityNotExists EntityAlreadyExists ProhibitedState ConflictingOperation
         ConcurrentModification LimitExceeded UnauthorizedOperation UnauthorizedResourceAccess
         FailedDependency ServiceUnavailable];
    UpdateUser PATCH "/api/v1/users/{UserId}" 200 Write
        [EntityNotExists UnauthorizedOperation UnauthorizedResourceAccess IllegalUserState
         ProhibitedState FailedDependency ServiceUnavailable DeactivatingLastSystemUser
         InvalidArgument];
}

impl Operation {
    /// The operation of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// Whether the model declares the error for the operation.
    ///
    /// Errors for which [`ErrorCode::is_common`] holds may be answered by any operation as well.
    pub fn declares(self, code: ErrorCode) -> bool {
        self.errors().contains(&code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_has_44_operations_that_differ_in_name_and_in_route() {
        let names: HashSet<_> = Operation::ALL.iter().map(|o| o.name()).collect();
        let routes: HashSet<_> = Operation::ALL.iter().map(|o| (o.method(), o.path())).collect();
        assert_eq!((Operation::ALL.len(), names.len(), routes.len()), (44, 44, 44));
    }

    #[test]
    fn an_operation_is_found_by_its_exact_name() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("createFolder"), None);
    }

    #[test]
    fn what_only_looks_is_a_read_and_everything_else_a_write() {
        for &operation in Operation::ALL {
            let looks =
                ["Get", "Describe", "Search"].iter().any(|p| operation.name().starts_with(p));
            assert_eq!(operation.scope() == Scope::Read, looks, "{operation:?}");
        }
    }

    #[test]
    fn only_declared_errors_are_declared() {
        assert!(Operation::CreateFolder.declares(ErrorCode::EntityAlreadyExists));
        assert!(!Operation::CreateFolder.declares(ErrorCode::InvalidArgument));
        assert_eq!(Operation::CreateFolder.iam_action(), "workdocs:CreateFolder");
        for &operation in Operation::ALL {
            assert!(operation.errors().iter().all(|code| code.is_modelled()), "{operation:?}");
        }
    }
}
