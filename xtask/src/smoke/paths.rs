//! Do all paths reach the registry, as what they are?

use super::Result;
use super::answer::Answer;
use super::finding::{Finding, Question};
use super::stack::{Stack, digest};

const ROOT: Question = Question {
    asks: "Do /v2/ and /v2 both reach the registry?",
    relies: "both answer 200, or all clients fail at once",
};

const UPLOADS: Question = Question {
    asks: "Do …/blobs/uploads/ and …/blobs/uploads both?",
    relies: "both answer 202: clients end it with a slash, routes cannot",
};

const DEEP: Question = Question {
    asks: "Does a repository's name of five parts?",
    relies: "$default takes it: 404 NAME_UNKNOWN from Ringhold",
};

const NAMES: Question = Question {
    asks: "Does one whose parts are words of the API?",
    relies: "404 BLOB_UNKNOWN from Ringhold, whichever function a route chose",
};

const COLON: Question = Question { asks: "Is %3A in a digest a colon?", relies: "the same answer as with a colon" };

const SLASH: Question = Question { asks: "Is %2F in a name a slash?", relies: "the same answer as with a slash" };

const ABSENT: Question = Question {
    asks: "Is what is absent a 404 of the registry's own?",
    relies: "404 in OCI JSON for a blob, a manifest, an upload and a repository; never a 403",
};

/// Asks for paths under which nothing lies, but for the uploads it begins and cancels.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    let absent = digest(&stack.noise(32));
    Ok(vec![
        root(stack)?,
        uploads(stack)?,
        deep(stack)?,
        names(stack, &absent)?,
        colon(stack, &absent)?,
        slash(stack)?,
        missing(stack, &absent)?,
    ])
}

fn root(stack: &Stack) -> Result<Finding> {
    let bare = stack.ask("GET", "/v2")?;
    let seen = format!("/v2/: {}, /v2: {}", stack.first().tell(), bare.tell());
    Ok(ROOT.judge(stack.first().status == 200 && bare.status == 200, seen))
}

fn uploads(stack: &Stack) -> Result<Finding> {
    let (with, without) = (stack.begin()?, stack.ask("POST", &stack.path("blobs/uploads"))?);
    for begun in [&with, &without] {
        if let Some(location) = begun.header("location") {
            stack.follow("DELETE", location)?;
        }
    }
    let seen = format!("with: {}, without: {}", with.tell(), without.tell());
    Ok(UPLOADS.judge(with.status == 202 && without.status == 202, seen))
}

fn deep(stack: &Stack) -> Result<Finding> {
    let answer = stack.ask("GET", &stack.path("three/four/five/tags/list"))?;
    Ok(DEEP.judge(answer.is(404, "NAME_UNKNOWN"), answer.tell()))
}

fn names(stack: &Stack, absent: &str) -> Result<Finding> {
    let answer = stack.ask("GET", &stack.path(&format!("manifests/uploads/blobs/{absent}")))?;
    Ok(NAMES.judge(answer.is(404, "BLOB_UNKNOWN"), answer.tell()))
}

fn colon(stack: &Stack, absent: &str) -> Result<Finding> {
    let plain = stack.ask("GET", &stack.path(&format!("blobs/{absent}")))?;
    let escaped = stack.ask("GET", &stack.path(&format!("blobs/{}", absent.replace(':', "%3A"))))?;
    Ok(same(COLON, &plain, &escaped))
}

fn slash(stack: &Stack) -> Result<Finding> {
    let plain = stack.ask("GET", &stack.path("tags/list"))?;
    let escaped = stack.ask("GET", &format!("/v2/{}/tags/list", stack.repository().replace('/', "%2F")))?;
    Ok(same(SLASH, &plain, &escaped))
}

/// Whether the registry itself gave both answers, and the same ones.
fn same(question: Question, plain: &Answer, escaped: &Answer) -> Finding {
    let ours = plain.code().is_some();
    let holds = ours && (plain.status, plain.code()) == (escaped.status, escaped.code());
    question.judge(holds, format!("plain: {}, escaped: {}", plain.tell(), escaped.tell()))
}

fn missing(stack: &Stack, absent: &str) -> Result<Finding> {
    let cases = [
        (stack.path(&format!("blobs/{absent}")), "BLOB_UNKNOWN"),
        (stack.path("manifests/absent"), "MANIFEST_UNKNOWN"),
        (stack.path("blobs/uploads/00000000-0000-4000-8000-000000000000"), "BLOB_UPLOAD_UNKNOWN"),
        (stack.path("tags/list"), "NAME_UNKNOWN"),
    ];
    let mut wrong = Vec::new();
    for (path, code) in cases {
        let answer = stack.ask("GET", &path)?;
        if !answer.is(404, code) {
            wrong.push(format!("{path}: {}", answer.tell()));
        }
    }
    let head = stack.ask("HEAD", &stack.path(&format!("blobs/{absent}")))?;
    if head.status != 404 {
        wrong.push(format!("HEAD of a blob: {}", head.status));
    }
    let seen = if wrong.is_empty() { "404, in OCI JSON, each".to_owned() } else { wrong.join("; ") };
    Ok(ABSENT.judge(wrong.is_empty(), seen))
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn two_answers_of_a_front_are_not_the_same_answer_of_the_registry() {
        let ours = answer(404, "", r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#);
        let front = answer(404, "", r#"{"message":"Not Found"}"#);
        assert_eq!(same(SLASH, &ours, &ours).verdict, Verdict::Ok);
        assert_eq!(same(SLASH, &ours, &front).verdict, Verdict::Differs);
        assert_eq!(same(SLASH, &front, &front).verdict, Verdict::Differs);
    }
}
