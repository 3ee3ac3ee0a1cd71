//! How large may a body be, and what does a client get that sends a larger one?

use super::Result;
use super::answer::Answer;
use super::curl::Length;
use super::finding::{Finding, Question};
use super::stack::Stack;

/// A body of this many bytes, with the questions about it.
struct Size {
    bytes: usize,
    question: Question,
    length: Length,
}

const LET_THROUGH: &str = "202";
const OURS: &str =
    "413 UNSUPPORTED from Ringhold with the way out, or the gateway's own 413; where nothing limits, 202";
const GATEWAYS: &str = "a 413 that the client gets to see, no 5xx and no reset; where nothing limits, 202";

const SIZES: [Size; 6] = [
    size(4_194_304, "Does a body of 4 MiB pass?", LET_THROUGH, Length::Known),
    size(4_613_734, "And one of 4.4 MiB?", OURS, Length::Known),
    size(4_823_450, "Of 4.6 MiB?", GATEWAYS, Length::Known),
    size(6_291_456, "Of 6 MiB?", GATEWAYS, Length::Known),
    size(11_534_336, "Of 11 MiB?", GATEWAYS, Length::Known),
    size(11_534_336, "Of 11 MiB, streamed without a length, as docker does?", GATEWAYS, Length::Unknown),
];

const fn size(bytes: usize, asks: &'static str, relies: &'static str, length: Length) -> Size {
    Size { bytes, question: Question { asks, relies }, length }
}

/// Sends a body of each size into an upload of its own, and cancels it.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    SIZES.iter().map(|size| send(stack, size)).collect()
}

fn send(stack: &Stack, size: &Size) -> Result<Finding> {
    let begun = stack.begin()?;
    let Some(location) = begun.header("location") else {
        return Ok(size.question.judge(false, format!("no Location: {}", begun.tell())));
    };
    let bytes = stack.noise(size.bytes);
    let answer = stack.send(&stack.request("PATCH", location).body(&bytes, size.length))?;
    stack.follow("DELETE", location)?;
    Ok(judge(size, &answer))
}

fn judge(size: &Size, answer: &Answer) -> Finding {
    let passed = answer.status == 202 && answer.header("range") == Some(&format!("0-{}", size.bytes - 1));
    let refused = answer.status == 413 && (answer.code().is_none() || answer.is(413, "UNSUPPORTED"));
    let sent = if answer.sent < size.bytes as u64 {
        format!(", after {} of {} bytes", answer.sent, size.bytes)
    } else {
        String::new()
    };
    let media_type = match answer.header("content-type") {
        Some(media_type) if answer.status >= 400 && answer.code().is_none() => format!(" ({media_type})"),
        _ => String::new(),
    };
    let may_be_refused = size.question.relies != LET_THROUGH;
    size.question.judge(passed || (refused && may_be_refused), format!("{}{media_type}{sent}", answer.tell()))
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn four_mebibytes_must_pass_and_more_may_be_refused_in_words() {
        let passed = |size: &Size| answer(202, &format!("range: 0-{}", size.bytes - 1), "");
        let ours = answer(413, "", r#"{"errors":[{"code":"UNSUPPORTED"}]}"#);
        let front = answer(413, "", r#"{"message":"Request Entity Too Large"}"#);
        let [small, large] = [&SIZES[0], &SIZES[1]];
        for size in [small, large] {
            assert_eq!(judge(size, &passed(size)).verdict, Verdict::Ok);
            assert_eq!(judge(size, &answer(502, "", "")).verdict, Verdict::Differs);
            assert_eq!(judge(size, &Answer::default()).verdict, Verdict::Differs);
            assert_eq!(judge(size, &answer(202, "range: 0-5", "")).verdict, Verdict::Differs);
        }
        assert_eq!([&ours, &front].map(|answer| judge(small, answer).verdict), [Verdict::Differs; 2]);
        assert_eq!([&ours, &front].map(|answer| judge(large, answer).verdict), [Verdict::Ok; 2]);
        let retried = answer(413, "", r#"{"errors":[{"code":"SIZE_INVALID"}]}"#);
        assert_eq!(judge(large, &retried).verdict, Verdict::Differs);
    }
}
