//! User operations: decode, ask the site, encode.

use docharbor_domain::{
    Identity, Refusal, StorageRule, UserChange, UserType, limits, search_words,
};
use docharbor_site::{NewUser, UserListing, UserSort, UsersQuery};
use docharbor_wire::{
    ActivateUserRequest, ActivateUserResponse, BooleanEnumType, CreateUserRequest,
    CreateUserResponse, DeactivateUserRequest, DeleteUserRequest, DescribeUsersRequest,
    DescribeUsersResponse, GetCurrentUserRequest, GetCurrentUserResponse, LimitType, OrderType,
    Request as _, StorageType, UpdateUserRequest, UpdateUserResponse, UserFilterType, UserSortType,
};
use zeroize::Zeroizing;

use super::error::Problem;
use super::{Admitted, Reply, encode, marker};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateUserRequest::decode(&admitted.input)?;
    admitted.call.require_organization(
        request.organization_id.as_ref().map(docharbor_wire::IdType::as_str),
    )?;
    let new = NewUser {
        username: request.username.into_inner(),
        password: Zeroizing::new(request.password.into_inner()),
        email: request.email_address.map(docharbor_wire::EmailAddressType::into_inner),
        given_name: request.given_name.into_inner(),
        surname: request.surname.into_inner(),
        time_zone: request.time_zone_id.map(docharbor_wire::TimeZoneIdType::into_inner),
        storage_rule: request
            .storage_rule
            .map(|rule| storage_rule(rule.storage_type, rule.storage_allocated_in_bytes))
            .transpose()?,
        user_type: UserType::User,
    };
    let user = admitted.door.site().create_user(&admitted.call, new).await?;
    Reply::json(&CreateUserResponse { user: encode::user(&user, true) })
}

fn storage_rule(kind: Option<StorageType>, allocated: Option<i64>) -> Result<StorageRule, Problem> {
    match (kind, allocated) {
        (Some(StorageType::Unlimited), _) => Ok(StorageRule::Unlimited),
        (Some(StorageType::Quota) | None, Some(bytes)) => Ok(StorageRule::Quota(bytes)),
        (Some(StorageType::Quota) | None, None) => Err(Refusal::Invalid {
            member: "StorageRule.StorageAllocatedInBytes",
            reason: "must not be null unless StorageType is UNLIMITED",
        }
        .into()),
    }
}

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeUsersRequest::decode(&admitted.input)?;
    let organization = request.organization_id.as_ref().map(docharbor_wire::IdType::as_str);
    let is_administrator = matches!(admitted.call.caller().identity, Identity::Administrator(_));
    if is_administrator && organization.is_none() && request.user_ids.is_none() {
        return Err(Refusal::Invalid {
            member: "OrganizationId",
            reason: "must not be null when neither UserIds nor a user's token is given",
        }
        .into());
    }
    admitted.call.require_organization(organization)?;
    let list = format!(
        "DescribeUsers|{}|{:?}|{:?}|{:?}|{:?}",
        admitted.call.organization(),
        request.query.as_ref().map(docharbor_wire::SearchQueryType::as_str),
        request.include,
        request.sort,
        request.order,
    );
    let site = admitted.door.site();
    let after = marker::read(site, &list, request.marker.as_ref())?;
    let query = match &request.user_ids {
        Some(ids) => UsersQuery::Ids(
            ids.as_str()
                .split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(|id| encode::user_id(admitted, id))
                .collect(),
        ),
        None => UsersQuery::Matching(listing(&request, after)?),
    };
    let page = site.users(&admitted.call, query).await?;
    let next = page.next.map(|place| marker::write(site, &list, &place));
    let with_storage = encode::names(request.fields.as_ref(), "STORAGE_METADATA");
    Reply::json(&DescribeUsersResponse {
        users: page.users.iter().map(|user| encode::user(user, with_storage)).collect(),
        total_number_of_users: Some(page.total),
        marker: next.transpose()?,
    })
}

fn listing(
    request: &DescribeUsersRequest,
    after: Option<(String, String)>,
) -> Result<UserListing, Problem> {
    let words = search_words(request.query.as_ref().map_or("", |query| query.as_str()));
    if words.len() > limits::USER_QUERY_WORDS_MAX {
        return Err(Refusal::InvalidArgument {
            member: "Query",
            reason: "has more than 8 words; leave some out",
        }
        .into());
    }
    Ok(UserListing {
        words,
        include_inactive: request.include == Some(UserFilterType::All),
        sort: match request.sort {
            None | Some(UserSortType::UserName) => UserSort::UserName,
            Some(UserSortType::FullName) => UserSort::FullName,
            Some(UserSortType::StorageLimit) => UserSort::StorageLimit,
            Some(UserSortType::UserStatus) => UserSort::UserStatus,
            Some(UserSortType::StorageUsed) => UserSort::StorageUsed,
        },
        descending: request.order == Some(OrderType::Descending),
        after,
        limit: request.limit.map_or(limits::USER_PAGE_SIZE_DEFAULT, LimitType::get),
    })
}

pub(super) async fn get_current(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    GetCurrentUserRequest::decode(&admitted.input)?;
    let user = admitted.door.site().current_user(&admitted.call).await?;
    Reply::json(&GetCurrentUserResponse { user: encode::user(&user, true) })
}

pub(super) async fn update(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = UpdateUserRequest::decode(&admitted.input)?;
    let change = UserChange {
        given_name: request.given_name.map(docharbor_wire::UserAttributeValueType::into_inner),
        surname: request.surname.map(docharbor_wire::UserAttributeValueType::into_inner),
        user_type: request.user_type.map(|user_type| match user_type {
            docharbor_wire::UserType::User => UserType::User,
            docharbor_wire::UserType::Admin => UserType::Admin,
            docharbor_wire::UserType::PowerUser => UserType::PowerUser,
            docharbor_wire::UserType::MinimalUser => UserType::MinimalUser,
            docharbor_wire::UserType::WorkSpacesUser => UserType::WorkspacesUser,
        }),
        storage_rule: request
            .storage_rule
            .map(|rule| storage_rule(rule.storage_type, rule.storage_allocated_in_bytes))
            .transpose()?,
        time_zone: request.time_zone_id.map(docharbor_wire::TimeZoneIdType::into_inner),
        locale: request.locale.map(|locale| locale.as_str().to_owned()),
        grant_poweruser: request
            .grant_poweruser_privileges
            .map(|word| word == BooleanEnumType::True),
    };
    let id = encode::user_id(admitted, request.user_id.as_str());
    let user = admitted.door.site().update_user(&admitted.call, id, change).await?;
    Reply::json(&UpdateUserResponse { user: encode::user(&user, true) })
}

pub(super) async fn activate(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = ActivateUserRequest::decode(&admitted.input)?;
    let id = encode::user_id(admitted, request.user_id.as_str());
    let user = admitted.door.site().activate_user(&admitted.call, id).await?;
    Reply::json(&ActivateUserResponse { user: encode::user(&user, true) })
}

pub(super) async fn deactivate(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeactivateUserRequest::decode(&admitted.input)?;
    let id = encode::user_id(admitted, request.user_id.as_str());
    admitted.door.site().deactivate_user(&admitted.call, id).await?;
    Ok(Reply::Empty)
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteUserRequest::decode(&admitted.input)?;
    let id = encode::user_id(admitted, request.user_id.as_str());
    admitted.door.site().delete_user(&admitted.call, id).await?;
    Ok(Reply::Empty)
}
