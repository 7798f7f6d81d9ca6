//! Users: their shapes, requests and answers.

use serde_json::Value;

use crate::Violations;
use crate::collection::collections;
use crate::enumeration::{
    BooleanEnumType, LocaleType, OrderType, StorageType, UserFilterType, UserSortType,
    UserStatusType, UserType,
};
use crate::number::{LimitType, PositiveSizeType, SizeType};
use crate::request::from_object;
use crate::shape::Decoded;
use crate::structure::{requests, structures};
use crate::text::{
    EmailAddressType, FieldNamesType, IdType, PageMarkerType, PasswordType, ResourceIdType,
    SearchQueryType, TimeZoneIdType, UserAttributeValueType, UserIdsType, UsernameType,
};
use crate::time::TimestampType;

collections! {
    /// Users of an organization.
    list OrganizationUserList of User, [] [];
}

structures! {
    /// How much a user may store. The one structure that also stands in requests.
    StorageRuleType {
        /// The bound, in bytes.
        storage_allocated_in_bytes: PositiveSizeType, optional "StorageAllocatedInBytes";
        /// Whether there is a bound.
        storage_type: StorageType, optional "StorageType";
    }
    /// How much a user stores and may store.
    UserStorageMetadata {
        /// What all versions take, in bytes.
        storage_utilized_in_bytes: SizeType, optional "StorageUtilizedInBytes";
        /// How much it may be.
        storage_rule: StorageRuleType, optional "StorageRule";
    }
    /// A user.
    User {
        /// The id; an administrator who is shown as a user may have none.
        id: IdType, optional "Id";
        /// The name to sign in with.
        username: UsernameType, optional "Username";
        /// The e-mail address.
        email_address: EmailAddressType, optional "EmailAddress";
        /// The given name.
        given_name: UserAttributeValueType, optional "GivenName";
        /// The surname.
        surname: UserAttributeValueType, optional "Surname";
        /// The organization the user belongs to.
        organization_id: IdType, optional "OrganizationId";
        /// The folder that holds everything of the user's.
        root_folder_id: ResourceIdType, optional "RootFolderId";
        /// The folder that holds what the user has deleted.
        recycle_bin_folder_id: ResourceIdType, optional "RecycleBinFolderId";
        /// The user's state.
        status: UserStatusType, optional "Status";
        /// What the user may do in the site.
        user_type: UserType, optional "Type";
        /// When the user was created.
        created_timestamp: TimestampType, optional "CreatedTimestamp";
        /// When the user was last changed.
        modified_timestamp: TimestampType, optional "ModifiedTimestamp";
        /// The user's time zone.
        time_zone_id: TimeZoneIdType, optional "TimeZoneId";
        /// The user's language.
        locale: LocaleType, optional "Locale";
        /// How much the user stores and may store.
        storage: UserStorageMetadata, optional "Storage";
    }
    /// The answer to `CreateUser`.
    CreateUserResponse {
        /// The new user.
        user: User, always "User";
    }
    /// The answer to `ActivateUser`.
    ActivateUserResponse {
        /// The active user.
        user: User, always "User";
    }
    /// The answer to `UpdateUser`.
    UpdateUserResponse {
        /// The user as changed.
        user: User, always "User";
    }
    /// The answer to `GetCurrentUser`.
    GetCurrentUserResponse {
        /// The user whose token asked.
        user: User, always "User";
    }
    /// The answer to `DescribeUsers`.
    DescribeUsersResponse {
        /// One page of the users.
        users: OrganizationUserList, always "Users";
        /// How many users there are on all pages.
        total_number_of_users: SizeType, optional "TotalNumberOfUsers";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
}

impl Decoded for StorageRuleType {
    type Input = Self;

    fn from_text(_: &str, member: &str, out: &mut Violations) -> Option<Self> {
        out.add(member, "Member must be an object");
        None
    }

    fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<Self> {
        let Some(object) = value.as_object() else {
            out.add(member, "Member must be an object");
            return None;
        };
        let [bytes, kind] = ["StorageAllocatedInBytes", "StorageType"];
        let storage_allocated_in_bytes =
            from_object::<PositiveSizeType>(object, bytes, &format!("{member}.{bytes}"), out)
                .map(PositiveSizeType::get);
        let storage_type =
            from_object::<StorageType>(object, kind, &format!("{member}.{kind}"), out);
        Some(Self { storage_allocated_in_bytes, storage_type })
    }
}

requests! {
    CreateUser(CreateUserRequest) -> CreateUserResponse {
        /// The organization the user is to belong to.
        organization_id: IdType, optional body "OrganizationId";
        /// The name to sign in with.
        username: UsernameType, required body "Username";
        /// The e-mail address.
        email_address: EmailAddressType, optional body "EmailAddress";
        /// The given name.
        given_name: UserAttributeValueType, required body "GivenName";
        /// The surname.
        surname: UserAttributeValueType, required body "Surname";
        /// The password to sign in with.
        password: PasswordType, required body "Password";
        /// The user's time zone.
        time_zone_id: TimeZoneIdType, optional body "TimeZoneId";
        /// How much the user may store.
        storage_rule: StorageRuleType, optional body "StorageRule";
    }
    DescribeUsers(DescribeUsersRequest) -> DescribeUsersResponse {
        /// The organization whose users are meant.
        organization_id: IdType, optional query "OrganizationId" as "organizationId";
        /// The ids of the users that are meant, with commas between them.
        user_ids: UserIdsType, optional query "UserIds" as "userIds";
        /// What the users' names have to begin with.
        query: SearchQueryType, optional query "Query" as "query";
        /// Which users are meant by their state.
        include: UserFilterType, optional query "Include" as "include";
        /// The direction of the list.
        order: OrderType, optional query "Order" as "order";
        /// What the list is ordered by.
        sort: UserSortType, optional query "Sort" as "sort";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
        /// How many users the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
        /// What is to be said of each user beyond the usual, with commas between the words.
        fields: FieldNamesType, optional query "Fields" as "fields";
    }
    GetCurrentUser(GetCurrentUserRequest) -> GetCurrentUserResponse {}
    ActivateUser(ActivateUserRequest) -> ActivateUserResponse {
        /// The user.
        user_id: IdType, required uri "UserId";
    }
    DeactivateUser(DeactivateUserRequest) {
        /// The user.
        user_id: IdType, required uri "UserId";
    }
    UpdateUser(UpdateUserRequest) -> UpdateUserResponse {
        /// The user.
        user_id: IdType, required uri "UserId";
        /// The new given name.
        given_name: UserAttributeValueType, optional body "GivenName";
        /// The new surname.
        surname: UserAttributeValueType, optional body "Surname";
        /// What the user may do in the site from now on.
        user_type: UserType, optional body "Type";
        /// How much the user may store from now on.
        storage_rule: StorageRuleType, optional body "StorageRule";
        /// The new time zone.
        time_zone_id: TimeZoneIdType, optional body "TimeZoneId";
        /// The new language.
        locale: LocaleType, optional body "Locale";
        /// Whether the user is to have the rights of a power user.
        grant_poweruser_privileges: BooleanEnumType, optional body "GrantPoweruserPrivileges";
    }
    DeleteUser(DeleteUserRequest) {
        /// The user.
        user_id: IdType, required uri "UserId";
    }
}
