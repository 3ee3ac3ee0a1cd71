//! Which rules of an issuer are for somebody, and which rules are for nobody because they would be for everybody. Pure.

use serde_json::{Map, Value};
use url::Url;

use super::{AWS, fetch};
use crate::auth::accounts::{Issuer, Rule};
use crate::auth::pattern::matches_stars;

/// Claims that are the same for all whom an issuer vouches for here.
const SHARED: [&str; 2] = ["iss", "aud"];

/// How many digits the number of an AWS account has.
const ACCOUNT_DIGITS: usize = 12;

/// Why a rule may not be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It asks for nothing.
    #[error("a rule without claims would let in everybody whom the issuer knows")]
    NoClaims,
    /// Everybody has what it asks for.
    #[error("the rule would let in everybody whom the issuer knows: no claim but iss and aud is more than stars")]
    Everybody,
    /// It is of AWS, and of no account there.
    #[error(
        "a rule for AWS names an account, by account or within arn, without stars: others call their roles the same"
    )]
    NoAccount,
}

/// Why an issuer may not be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerCheckError {
    /// It has no place of its own.
    #[error("an issuer is an https URL without query and fragment, as its tokens spell it, or `aws`")]
    Issuer,
    /// Its tokens would be for nobody, or for something that no header can say.
    #[error("an audience has 1 to 255 printable characters of ASCII and no space at either end")]
    Audience,
    /// One of its rules may not be.
    #[error("rule {number}")]
    Rule {
        /// Which, counted from 1.
        number: usize,
        /// Why.
        source: RuleError,
    },
}

impl Rule {
    /// Whether it may be written down. What may not matches nobody, but for one that asks for stars only.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.claims.is_empty() {
            return Err(RuleError::NoClaims);
        }
        let tells_apart = |(name, pattern): (&String, &String)| {
            !SHARED.contains(&name.as_str()) && pattern.bytes().any(|c| c != b'*')
        };
        if self.claims.iter().any(tells_apart) { Ok(()) } else { Err(RuleError::Everybody) }
    }

    /// Whether it is for somebody of whom this is claimed: each claim that it names is there, and like its pattern.
    #[must_use]
    pub fn matches(&self, claims: &Map<String, Value>) -> bool {
        let holds =
            |(name, pattern): (&String, &String)| find(claims, name).is_some_and(|claim| is_like(claim, pattern));
        !self.claims.is_empty() && self.claims.iter().all(holds)
    }

    /// Whether it is for one account of AWS.
    fn names_account(&self) -> bool {
        let is_account = |text: &str| text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let in_arn = self.claims.get("arn").and_then(|arn| arn.split(':').nth(4));
        self.claims.get("account").map(String::as_str).is_some_and(is_account) || in_arn.is_some_and(is_account)
    }
}

impl Issuer {
    /// Whether it may be written down, with its rules.
    pub fn check(&self) -> Result<(), IssuerCheckError> {
        if !self.is_aws() && !is_issuer(&self.issuer) {
            return Err(IssuerCheckError::Issuer);
        }
        let is_printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
        if self.audience.is_empty() || self.audience.len() > 255 || !is_printable(&self.audience) {
            return Err(IssuerCheckError::Audience);
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let checked = rule.check().and_then(|()| self.is_bounded(rule).then_some(()).ok_or(RuleError::NoAccount));
            checked.map_err(|source| IssuerCheckError::Rule { number: index + 1, source })?;
        }
        Ok(())
    }

    /// The rules that are for somebody of whom it claims this.
    pub(super) fn rules_for(&self, claims: &Map<String, Value>) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| self.is_bounded(rule) && rule.matches(claims))
    }

    fn is_aws(&self) -> bool {
        self.issuer == AWS
    }

    /// Anybody can have an account at AWS, and call a role in it as they like.
    fn is_bounded(&self, rule: &Rule) -> bool {
        !self.is_aws() || rule.names_account()
    }
}

fn is_issuer(text: &str) -> bool {
    text.parse::<Url>().is_ok_and(|url| {
        let is_bare = url.query().is_none() && url.fragment().is_none();
        fetch::is_safe(&url) && is_bare && url.username().is_empty() && url.password().is_none()
    })
}

/// The claim of that name; else, as names have dots themselves, the one that a path of names leads to.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut splits = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
        splits.find_map(|(first, rest)| find(claims.get(first)?.as_object()?, rest))
    })
}

fn is_like(claim: &Value, pattern: &str) -> bool {
    match claim {
        Value::Array(all) => all.iter().any(|one| is_one_like(one, pattern)),
        one => is_one_like(one, pattern),
    }
}

fn is_one_like(claim: &Value, pattern: &str) -> bool {
    match claim {
        Value::String(text) => matches_stars(pattern, text),
        Value::Number(number) => matches_stars(pattern, &number.to_string()),
        Value::Bool(is_so) => matches_stars(pattern, if *is_so { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::auth::{Grant, Role};
    use crate::clock::Timestamp;

    fn rule(claims: &[(&str, &str)]) -> Rule {
        let claims = claims.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned()));
        Rule {
            claims: claims.collect(),
            grants: vec![Grant { repositories: "**".parse().unwrap(), role: Role::Reader }],
        }
    }

    fn issuer(issuer: &str, rules: Vec<Rule>) -> Issuer {
        let name = "test".parse().unwrap();
        let (issuer, audience) = (issuer.to_owned(), "registry.example".to_owned());
        Issuer { name, issuer, audience, rules, created: Timestamp::default() }
    }

    fn matches(claims: &Value, wanted: &[(&str, &str)]) -> bool {
        rule(wanted).matches(claims.as_object().unwrap())
    }

    #[test]
    fn a_pattern_is_of_the_whole_claim_and_no_part_of_it() {
        let repository = |pattern: &str| matches(&json!({ "repository": "org/app" }), &[("repository", pattern)]);
        for pattern in ["org/app", "org/*", "*/app", "*", "o*g/*p", "org/app*", "**"] {
            assert!(repository(pattern), "{pattern}");
        }
        for pattern in ["org", "app", "org/", "rg/app", "org/ap", "ORG/APP", "org/app/*", "*org", "app*", "", "org.app"]
        {
            assert!(!repository(pattern), "{pattern}");
        }
        // Whoever can choose a name's beginning or end gets in nowhere by it.
        for other in ["evil-org/app", "org/app-evil", "evil/org/app", "org/app\n", " org/app", "org\\/app", "org/\0app"]
        {
            assert!(!matches(&json!({ "repository": other }), &[("repository", "org/app")]), "{other:?}");
        }
        let of_org = [("sub", "repo:org/*:ref:refs/heads/main")];
        assert!(matches(&json!({ "sub": "repo:org/app:ref:refs/heads/main" }), &of_org));
        assert!(!matches(&json!({ "sub": "repo:org/app:ref:refs/heads/main-2" }), &of_org));
        assert!(!matches(&json!({ "sub": "repo:org2/app:ref:refs/heads/main" }), &of_org));
    }

    #[test]
    fn every_claim_has_to_be_there_and_of_one_of_several_one_is_enough() {
        let claims = json!({
            "repository": "org/app", "run": 7, "big": 12_345_678_901_234_567_u64, "protected": true, "nothing": null,
            "groups": ["dev", 3, ["ops"]], "object": {}, "none": [],
        });
        for wanted in [
            &[("repository", "org/app"), ("run", "7"), ("protected", "true")][..],
            &[("groups", "dev")],
            &[("groups", "d*")],
            &[("groups", "3")],
            &[("big", "12345678901234567")],
        ] {
            assert!(matches(&claims, wanted), "{wanted:?}");
        }
        for wanted in [
            &[][..],
            &[("repository", "org/app"), ("ref", "*")],
            &[("repository", "org/app"), ("run", "8")],
            &[("nothing", "*")],
            &[("nothing", "null")],
            &[("object", "*")],
            &[("none", "*")],
            &[("groups", "ops")],
            &[("groups", "dev,3")],
            &[("groups.0", "dev")],
            &[("Repository", "org/app")],
            &[("", "*")],
        ] {
            assert!(!matches(&claims, wanted), "{wanted:?}");
        }
    }

    #[test]
    fn a_name_with_dots_is_a_claims_own_or_a_path_to_one() {
        let pod =
            json!({ "kubernetes.io": { "namespace": "ci", "serviceaccount": { "name": "builder" } }, "a": { "b": 1 } });
        assert!(matches(&pod, &[("kubernetes.io.namespace", "ci"), ("kubernetes.io.serviceaccount.name", "builder")]));
        assert!(matches(&pod, &[("a.b", "1")]));
        for name in
            ["kubernetes.io", "kubernetes", "namespace", "kubernetes.io.namespace.", "a..b", ".a.b", "a.b.c", "."]
        {
            assert!(!matches(&pod, &[(name, "*")]), "{name}");
        }
        // The claim of that very name goes first, also when it is another than the path leads to.
        let both = json!({ "a.b": "own", "a": { "b": "below" } });
        assert!(matches(&both, &[("a.b", "own")]));
        assert!(!matches(&both, &[("a.b", "below")]));
    }

    #[test]
    fn a_rule_for_everybody_is_none() {
        assert_eq!(rule(&[]).check(), Err(RuleError::NoClaims));
        for claims in [&[("sub", "*")][..], &[("sub", "**"), ("repository", "")], &[("iss", "https://i"), ("aud", "a")]]
        {
            assert_eq!(rule(claims).check(), Err(RuleError::Everybody), "{claims:?}");
        }
        assert_eq!(rule(&[("sub", "*"), ("repository", "org/*")]).check(), Ok(()));
    }

    #[test]
    fn an_issuer_has_a_place_an_audience_and_rules() {
        let good = || rule(&[("sub", "a")]);
        for name in
            ["https://i.example", "https://i.example/a/", "http://127.0.0.1:80", "http://localhost:1", "http://[::1]:1"]
        {
            assert_eq!(issuer(name, vec![good()]).check(), Ok(()), "{name}");
        }
        for name in
            ["", "i.example", "http://i.example", "ringhold", "AWS", "https://i?a", "https://i#a", "https://u@i"]
        {
            assert_eq!(issuer(name, vec![good()]).check(), Err(IssuerCheckError::Issuer), "{name}");
        }
        for audience in ["", " a", "a\n", "é"] {
            let issuer = Issuer { audience: audience.to_owned(), ..issuer("https://i", vec![good()]) };
            assert_eq!(issuer.check(), Err(IssuerCheckError::Audience), "{audience}");
        }
        let refused = IssuerCheckError::Rule { number: 2, source: RuleError::NoClaims };
        assert_eq!(issuer("https://i", vec![good(), rule(&[])]).check(), Err(refused));
    }

    #[test]
    fn a_role_of_aws_is_of_an_account() {
        let signer = json!({
            "account": "123456789012", "role": "deploy", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/s",
        });
        let counts = |claims: &[(&str, &str)]| {
            let aws = issuer(AWS, vec![rule(claims)]);
            let is_counted = aws.rules_for(signer.as_object().unwrap()).count() == 1;
            assert_eq!(is_counted, aws.check().is_ok(), "{claims:?}");
            is_counted
        };
        assert!(counts(&[("account", "123456789012"), ("role", "deploy")]));
        assert!(counts(&[("arn", "arn:aws:sts::123456789012:assumed-role/deploy/*")]));
        for claims in [
            &[("role", "deploy")][..],
            &[("role", "deploy"), ("account", "*")],
            &[("role", "deploy"), ("account", "1234567890*")],
            &[("arn", "arn:aws:sts::*:assumed-role/deploy/*")],
            &[("arn", "*:assumed-role/deploy/*")],
            &[("arn", "arn:aws:*")],
        ] {
            assert!(!counts(claims), "{claims:?}");
        }
    }

    /// The definition once more, word for word.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            Some((first, rest)) => text.first() == Some(first) && by_definition(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_the_definition_says(pattern in "[ab/*é]{0,7}", text in "[ab/*é]{0,7}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = by_definition(&chars(&pattern), &chars(&text));
            prop_assert_eq!(matches(&json!({ "c": text }), &[("c", &pattern)]), expected);
        }

        #[test]
        fn more_claims_let_nobody_in_whom_fewer_keep_out(
            names in proptest::collection::btree_map("[ab]", "[ab*]{0,2}", 0..3),
            more in proptest::collection::btree_map("[ab]", "[ab*]{0,2}", 0..3),
            claims in proptest::collection::btree_map("[ab]", "[ab]{0,2}", 0..3),
        ) {
            let claims: Map<String, Value> = claims.into_iter().map(|(name, value)| (name, value.into())).collect();
            let narrower = Rule { claims: more.into_iter().chain(names.clone()).collect(), grants: vec![] };
            let wider = Rule { claims: names, grants: vec![] };
            prop_assert!(wider.claims.is_empty() || !narrower.matches(&claims) || wider.matches(&claims));
        }
    }
}
