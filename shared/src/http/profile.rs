//! What a front between the client and the registry lets through.

use http::Method;

/// Which kind of front requests come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// None that changes anything: bodies stream, and headers arrive as they were sent.
    #[default]
    Direct,
    /// API Gateway, or a function's URL, with Lambda behind it. A body comes and goes whole, base64 in an event of at most
    /// 6 MB; and the length of an answer is measured by the gateway, whatever the registry says that it is.
    Gateway,
}

impl Profile {
    /// The most bytes of a body that surely pass a gateway.
    pub const GATEWAY_BODY: u64 = 4 * 1024 * 1024;

    /// The most bytes of an upload that one request may bring.
    pub(super) const fn largest_upload(self) -> Option<u64> {
        match self {
            Self::Direct => None,
            Self::Gateway => Some(Self::GATEWAY_BODY),
        }
    }

    /// Whether a HEAD of a blob is answered by its bucket: no other answer would keep the length, and clients believe
    /// a length of nothing.
    pub(super) const fn redirects_heads(self) -> bool {
        match self {
            Self::Direct => false,
            Self::Gateway => true,
        }
    }

    /// Whether what was asked for with this method is put into the answer: of a HEAD too, for a front that measures it.
    pub(super) fn sends_body(self, method: &Method) -> bool {
        *method != Method::HEAD || self == Self::Gateway
    }
}
