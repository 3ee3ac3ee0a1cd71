//! Does a client learn how to log in?

use super::Result;
use super::answer::Answer;
use super::finding::{Finding, Question};
use super::stack::Stack;

const GET: Question = Question {
    asks: "Does a 401 keep WWW-Authenticate?",
    relies: "the challenge is there: as it was sent, or mapped back from x-registry-challenge",
};

const HEAD: Question =
    Question { asks: "Does it on a HEAD as well?", relies: "the same challenge: containerd begins with a HEAD" };

const CLOSED: Question = Question { asks: "Everything else", relies: "" };

/// The answers of a stack that lets nobody in; of one that lets everybody in there are none.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    if !stack.is_closed() {
        let why = "the registry is open: deploy it closed (InsecureOpen=false) and ask again";
        return Ok(vec![GET.unanswered(why), HEAD.unanswered(why)]);
    }
    let head = stack.ask("HEAD", "/v2/")?;
    Ok(vec![judge(GET, stack.first()), judge(HEAD, &head)])
}

/// Why a closed stack answers nothing else.
pub(super) fn closed() -> Finding {
    CLOSED.unanswered("the registry is closed: deploy it open (InsecureOpen=true), for as long as this test runs")
}

fn judge(question: Question, answer: &Answer) -> Finding {
    let [kept, copy, renamed] = ["www-authenticate", "x-registry-challenge", "x-amzn-remapped-www-authenticate"]
        .map(|name| answer.header(name));
    let Some(kept) = kept else {
        let why = if renamed.is_some() { "renamed to x-amzn-Remapped-WWW-Authenticate" } else { "gone" };
        return question.judge(false, format!("{}; it is {why}", answer.tell()));
    };
    let how = match (copy, renamed) {
        _ if answer.values("www-authenticate").len() > 1 => "it is there twice",
        (_, Some(_)) => "the function's own was renamed, and the copy mapped back",
        (Some(_), None) => "it is there; nothing tells whether bare or mapped",
        (None, None) => "it is there, without a copy",
    };
    let holds = answer.status == 401 && copy.is_none_or(|copy| kept.contains(copy));
    question.judge(holds, format!("{how}: {kept}"))
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::super::finding::Verdict;
    use super::*;

    #[track_caller]
    fn verdict(headers: &str) -> Verdict {
        judge(GET, &answer(401, headers, "")).verdict
    }

    #[test]
    fn a_challenge_may_be_kept_or_mapped_back_but_not_only_renamed() {
        let (kept, copy) = ("www-authenticate: Basic realm=\"r\"\n", "x-registry-challenge: Basic realm=\"r\"\n");
        let renamed = "x-amzn-remapped-www-authenticate: Basic realm=\"r\"\n";
        assert_eq!(verdict(kept), Verdict::Ok);
        assert_eq!(verdict(&format!("{kept}{copy}")), Verdict::Ok);
        assert_eq!(verdict(&format!("{kept}{copy}{renamed}")), Verdict::Ok);
        assert_eq!(verdict(&format!("{renamed}{copy}")), Verdict::Differs);
        assert_eq!(verdict(copy), Verdict::Differs);
        assert_eq!(verdict(&format!("www-authenticate: None\n{copy}")), Verdict::Differs);
    }
}
