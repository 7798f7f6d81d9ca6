//! Events to their subscribers: SNS messages over HTTPS, and SQS.
