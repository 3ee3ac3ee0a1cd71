//! What cannot be seen from outside.

use super::finding::{Finding, Question};

/// Each question, and why it stays open.
const ALL: [(Question, &str); 5] = [
    (
        Question {
            asks: "Does S3 answer 403 for an absent object, without ListBucket?",
            relies: "either: 403 is taken for absence where an object may be gone",
        },
        "no request makes the registry look for an object that is gone; look for `AccessDenied` in the functions' logs",
    ),
    (
        Question { asks: "Do throttled S3 and DynamoDB calls end as 503 with Retry-After?", relies: "503, retried" },
        "a smoke test does not bring so much load; the alarms count them",
    ),
    (
        Question {
            asks: "How long does S3 copy some GB, and does it return the SHA-256 of the whole?",
            relies: "either: what comes without one is read and hashed",
        },
        "layers of some GB do not come through the gateway",
    ),
    (
        Question {
            asks: "Which path does the event hold, decoded or not?",
            relies: "either: it is decoded once, whatever the front did",
        },
        "only a function sees the event; the answers to escaped paths above are what comes of it",
    ),
    (
        Question {
            asks: "What does CloudFront do to signed uploads and to a 307 in mid-body?",
            relies: "nothing: the stack has no CloudFront",
        },
        "there is none to ask",
    ),
];

/// Every one of them, as not answered.
pub(super) fn all() -> impl Iterator<Item = Finding> {
    ALL.into_iter().map(|(question, why)| question.unanswered(why))
}
