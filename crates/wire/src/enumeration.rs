//! The closed lists of words of the protocol.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::shape::{Declared, Decoded, Shape, ShapeKind};
use crate::violation::Violations;

/// Declares the enumerations: each value with its word on the wire.
macro_rules! enumerations {
    ($(
        $(#[$doc:meta])*
        $name:ident { $first:ident = $first_word:literal $(, $value:ident = $word:literal)* $(,)? }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name {
                #[doc = concat!("`", $first_word, "`")]
                $first,
                $(
                    #[doc = concat!("`", $word, "`")]
                    $value,
                )*
            }

            impl $name {
                /// Every value.
                pub const ALL: &'static [Self] = &[Self::$first, $(Self::$value),*];

                /// The word on the wire.
                pub const fn as_str(self) -> &'static str {
                    match self {
                        Self::$first => $first_word,
                        $(Self::$value => $word,)*
                    }
                }

                /// The value of a word, exactly as it stands on the wire.
                pub fn parse(word: &str) -> Option<Self> {
                    Self::ALL.iter().copied().find(|value| value.as_str() == word)
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl Declared for $name {
                const SHAPE: Shape = Shape {
                    name: stringify!($name),
                    kind: ShapeKind::Enumeration(&[$first_word $(, $word)*]),
                };
                type Output = Self;
            }

            impl Decoded for $name {
                type Input = Self;

                fn from_text(text: &str, member: &str, out: &mut Violations) -> Option<Self> {
                    let value = Self::parse(text);
                    if value.is_none() {
                        out.add(member, concat!(
                            "Member must satisfy enum value set: [",
                            $first_word $(, ", ", $word)*, "]"
                        ));
                    }
                    value
                }

                fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<Self> {
                    let Some(text) = value.as_str() else {
                        out.add(member, "Member must be a string");
                        return None;
                    };
                    Self::from_text(text, member, out)
                }
            }
        )*

        /// The description of every enumeration.
        pub(crate) static SHAPES: &[Shape] = &[$(<$name as Declared>::SHAPE),*];
    };
}

enumerations! {
    /// What was done to a folder or document.
    ActivityType {
        DocumentCheckedIn = "DOCUMENT_CHECKED_IN",
        DocumentCheckedOut = "DOCUMENT_CHECKED_OUT",
        DocumentRenamed = "DOCUMENT_RENAMED",
        DocumentVersionUploaded = "DOCUMENT_VERSION_UPLOADED",
        DocumentVersionDeleted = "DOCUMENT_VERSION_DELETED",
        DocumentVersionViewed = "DOCUMENT_VERSION_VIEWED",
        DocumentVersionDownloaded = "DOCUMENT_VERSION_DOWNLOADED",
        DocumentRecycled = "DOCUMENT_RECYCLED",
        DocumentRestored = "DOCUMENT_RESTORED",
        DocumentReverted = "DOCUMENT_REVERTED",
        DocumentShared = "DOCUMENT_SHARED",
        DocumentUnshared = "DOCUMENT_UNSHARED",
        DocumentSharePermissionChanged = "DOCUMENT_SHARE_PERMISSION_CHANGED",
        DocumentShareableLinkCreated = "DOCUMENT_SHAREABLE_LINK_CREATED",
        DocumentShareableLinkRemoved = "DOCUMENT_SHAREABLE_LINK_REMOVED",
        DocumentShareableLinkPermissionChanged = "DOCUMENT_SHAREABLE_LINK_PERMISSION_CHANGED",
        DocumentMoved = "DOCUMENT_MOVED",
        DocumentCommentAdded = "DOCUMENT_COMMENT_ADDED",
        DocumentCommentDeleted = "DOCUMENT_COMMENT_DELETED",
        DocumentAnnotationAdded = "DOCUMENT_ANNOTATION_ADDED",
        DocumentAnnotationDeleted = "DOCUMENT_ANNOTATION_DELETED",
        FolderCreated = "FOLDER_CREATED",
        FolderDeleted = "FOLDER_DELETED",
        FolderRenamed = "FOLDER_RENAMED",
        FolderRecycled = "FOLDER_RECYCLED",
        FolderRestored = "FOLDER_RESTORED",
        FolderShared = "FOLDER_SHARED",
        FolderUnshared = "FOLDER_UNSHARED",
        FolderSharePermissionChanged = "FOLDER_SHARE_PERMISSION_CHANGED",
        FolderShareableLinkCreated = "FOLDER_SHAREABLE_LINK_CREATED",
        FolderShareableLinkRemoved = "FOLDER_SHAREABLE_LINK_REMOVED",
        FolderShareableLinkPermissionChanged = "FOLDER_SHAREABLE_LINK_PERMISSION_CHANGED",
        FolderMoved = "FOLDER_MOVED",
    }
    /// What can be said of a found item beyond the usual.
    AdditionalResponseFieldType { WebUrl = "WEBURL" }
    /// Whether a user is given the rights of a power user.
    BooleanEnumType { True = "TRUE", False = "FALSE" }
    /// The state of a comment.
    CommentStatusType { Draft = "DRAFT", Published = "PUBLISHED", Deleted = "DELETED" }
    /// Who sees a comment.
    CommentVisibilityType { Public = "PUBLIC", Private = "PRIVATE" }
    /// The kind of a document's content.
    ContentCategoryType {
        Image = "IMAGE",
        Document = "DOCUMENT",
        Pdf = "PDF",
        Spreadsheet = "SPREADSHEET",
        Presentation = "PRESENTATION",
        Audio = "AUDIO",
        Video = "VIDEO",
        SourceCode = "SOURCE_CODE",
        Other = "OTHER",
    }
    /// Which bytes of a version a URL leads to.
    DocumentSourceType { Original = "ORIGINAL", WithComments = "WITH_COMMENTS" }
    /// The state of a version.
    DocumentStatusType { Initialized = "INITIALIZED", Active = "ACTIVE" }
    /// The size of a thumbnail.
    DocumentThumbnailType { Small = "SMALL", SmallHq = "SMALL_HQ", Large = "LARGE" }
    /// The state a caller can give a version.
    DocumentVersionStatus { Active = "ACTIVE" }
    /// Which kinds of items a list of a folder's contents holds.
    FolderContentType { All = "ALL", Document = "DOCUMENT", Folder = "FOLDER" }
    /// The language of a content.
    LanguageCodeType {
        Arabic = "AR",
        Bulgarian = "BG",
        Bengali = "BN",
        Danish = "DA",
        German = "DE",
        Czech = "CS",
        Greek = "EL",
        English = "EN",
        Spanish = "ES",
        Persian = "FA",
        Finnish = "FI",
        French = "FR",
        Hindi = "HI",
        Hungarian = "HU",
        Indonesian = "ID",
        Italian = "IT",
        Japanese = "JA",
        Korean = "KO",
        Lithuanian = "LT",
        Latvian = "LV",
        Dutch = "NL",
        Norwegian = "NO",
        Portuguese = "PT",
        Romanian = "RO",
        Russian = "RU",
        Swedish = "SV",
        Swahili = "SW",
        Thai = "TH",
        Turkish = "TR",
        Chinese = "ZH",
        Default = "DEFAULT",
    }
    /// A user's language.
    LocaleType {
        English = "en",
        French = "fr",
        Korean = "ko",
        German = "de",
        Spanish = "es",
        Japanese = "ja",
        Russian = "ru",
        ChineseSimplified = "zh_CN",
        ChineseTraditional = "zh_TW",
        PortugueseBrazil = "pt_BR",
        Default = "default",
    }
    /// What found items are ordered by.
    OrderByFieldType {
        Relevance = "RELEVANCE",
        Name = "NAME",
        Size = "SIZE",
        CreatedTimestamp = "CREATED_TIMESTAMP",
        ModifiedTimestamp = "MODIFIED_TIMESTAMP",
    }
    /// The direction of a list.
    OrderType { Ascending = "ASCENDING", Descending = "DESCENDING" }
    /// A role somebody has on what is looked for.
    PrincipalRoleType {
        Viewer = "VIEWER",
        Contributor = "CONTRIBUTOR",
        Owner = "OWNER",
        CoOwner = "COOWNER",
    }
    /// Who is meant by the id of a principal.
    PrincipalType {
        User = "USER",
        Group = "GROUP",
        Invite = "INVITE",
        Anonymous = "ANONYMOUS",
        Organization = "ORGANIZATION",
    }
    /// Which folders and documents of all that a user can reach are meant.
    ResourceCollectionType { SharedWithMe = "SHARED_WITH_ME" }
    /// What a list of a folder's contents is ordered by.
    ResourceSortType { Date = "DATE", Name = "NAME" }
    /// Whether a resource is a folder or a document.
    ResourceType { Folder = "FOLDER", Document = "DOCUMENT" }
    /// The state of a folder or document.
    ResourceStateType {
        Active = "ACTIVE",
        Restoring = "RESTORING",
        Recycling = "RECYCLING",
        Recycled = "RECYCLED",
    }
    /// What a found item is.
    ResponseItemType {
        Document = "DOCUMENT",
        Folder = "FOLDER",
        Comment = "COMMENT",
        DocumentVersion = "DOCUMENT_VERSION",
    }
    /// Whether a role was given on the resource itself or on a folder above it.
    RolePermissionType { Direct = "DIRECT", Inherited = "INHERITED" }
    /// What a principal may do with a resource.
    RoleType {
        Viewer = "VIEWER",
        Contributor = "CONTRIBUTOR",
        Owner = "OWNER",
        CoOwner = "COOWNER",
    }
    /// Whose items are looked through.
    SearchCollectionType { Owned = "OWNED", SharedWithMe = "SHARED_WITH_ME" }
    /// Which texts of an item are looked through.
    SearchQueryScopeType { Name = "NAME", Content = "CONTENT" }
    /// Which kinds of things are looked for.
    SearchResourceType {
        Folder = "FOLDER",
        Document = "DOCUMENT",
        Comment = "COMMENT",
        DocumentVersion = "DOCUMENT_VERSION",
    }
    /// Whether a principal was given a role.
    ShareStatusType { Success = "SUCCESS", Failure = "FAILURE" }
    /// The direction of what was found.
    SortOrder { Asc = "ASC", Desc = "DESC" }
    /// Whether a user's storage is bounded.
    StorageType { Unlimited = "UNLIMITED", Quota = "QUOTA" }
    /// How a subscriber is reached.
    SubscriptionProtocolType { Https = "HTTPS", Sqs = "SQS" }
    /// Which events a subscriber is told of.
    SubscriptionType { All = "ALL" }
    /// Which users a list holds.
    UserFilterType { All = "ALL", ActivePending = "ACTIVE_PENDING" }
    /// What a list of users is ordered by.
    UserSortType {
        UserName = "USER_NAME",
        FullName = "FULL_NAME",
        StorageLimit = "STORAGE_LIMIT",
        UserStatus = "USER_STATUS",
        StorageUsed = "STORAGE_USED",
    }
    /// The state of a user.
    UserStatusType { Active = "ACTIVE", Inactive = "INACTIVE", Pending = "PENDING" }
    /// What a user may do in the site.
    UserType {
        User = "USER",
        Admin = "ADMIN",
        PowerUser = "POWERUSER",
        MinimalUser = "MINIMALUSER",
        WorkSpacesUser = "WORKSPACESUSER",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_travels_both_ways() {
        for &value in LocaleType::ALL {
            assert_eq!(LocaleType::parse(value.as_str()), Some(value));
            assert_eq!(serde_json::to_value(value).unwrap(), json!(value.as_str()));
        }
        assert_eq!(LocaleType::ALL.len(), 11);
        assert_eq!(LocaleType::parse("EN"), None);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_words_there_are() {
        let mut out = Violations::new();
        assert_eq!(OrderType::from_text("ascending", "Order", &mut out), None);
        assert_eq!(OrderType::from_json(&json!(1), "Order", &mut out), None);
        let constraints: Vec<_> = out.iter().map(|v| v.constraint.as_ref()).collect();
        assert_eq!(
            constraints,
            [
                "Member must satisfy enum value set: [ASCENDING, DESCENDING]",
                "Member must be a string"
            ]
        );
        let mut none = Violations::new();
        let value = OrderType::from_json(&json!("DESCENDING"), "Order", &mut none);
        assert_eq!(value, Some(OrderType::Descending));
    }
}
