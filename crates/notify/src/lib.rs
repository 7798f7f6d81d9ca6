//! Events to their subscribers: SNS messages over HTTPS, and the same messages to SQS queues.
//!
//! This crate makes and signs messages, decides what addresses may be called, and calls them. It
//! knows no database and no clock: who subscribed, what is due and when is the site's to say.

mod allow;
mod courier;
mod dial;
mod endpoint;
mod failure;
mod key;
mod lookup;
mod sns;
mod sqs;

pub use allow::{Allow, Allowed};
pub use courier::{Courier, CourierSettings, Line, Outgoing, SqsAccess};
pub use endpoint::{Endpoint, EndpointError};
pub use failure::Failure;
pub use key::{CERTIFICATE_NAME, SignatureVersion, SigningKey};
pub use lookup::Resolver;
pub use sns::{
    Confirmation, Notification, TopicArn, confirm_response, event_message, unsubscribe_response,
};
