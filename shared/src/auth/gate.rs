//! The gate: who asks, and what they are given. What every process of the registry goes by.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;

use super::access_token::{self, Issued, SERVICE, TokenError};
use super::accounts::{Accounts, RepositorySettings, Token, TokenKind, User};
use super::action::{Action, Actions};
use super::audit::{Act, ActsWanted, Audit, KeptAct};
use super::caller::{Caller, Proof};
use super::credentials::Credentials;
use super::decision::{Decision, Need, Visibility, decide};
use super::federation::{Admitted, Federation, FederationSettings, Presented};
use super::first_admin::{self, FIRST_ADMIN, FirstPassword};
use super::keys::{KeyError, Keys, PublicKey};
use super::mode::{self, Mode};
use super::password::Password;
use super::permit::{Permit, Powers};
use super::principal::{Principal, Subject};
use super::recent::Recent;
use super::scope::Scope;
use super::secret::TokenSecret;
use super::sign_in::{self, SignInError, network_of, try_of};
use super::throttle::{Rate, Throttle};
use crate::clock::Timestamp;
use crate::metadata::{self, MetadataStore};
use crate::oci::RepositoryName;

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everybody who reaches the registry may do everything.
    Open,
    /// The same, until there is a user.
    OpenUntilClaimed,
    /// Whoever has an account, and what they were granted.
    #[default]
    Closed,
}

/// Where tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// In this process: it is the only one.
    Here,
    /// In the metadata, for all processes together.
    Together,
}

/// How a gate is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSettings {
    /// Who gets in.
    pub access: Access,
    /// Where tries are counted.
    pub counted: Counted,
    /// Whether nothing may be changed, whatever the switch says.
    pub is_read_only: bool,
    /// How those are asked who vouch for callers without an account.
    pub federation: FederationSettings,
}

impl Default for GateSettings {
    fn default() -> Self {
        let federation = FederationSettings::default();
        Self { access: Access::default(), counted: Counted::Here, is_read_only: false, federation }
    }
}

/// How long credentials count that were found to be right. So long a revoked token may still do what it could.
const CREDENTIALS_KNOWN_FOR: Duration = Duration::from_mins(1);
const MOST_CREDENTIALS: usize = 10_000;

/// As whom tries are counted of callers that others vouch for: who they are is what is to be found out. Nobody guesses what
/// they present, so that the wrong ones among them keep no others out.
const FEDERATED: &str = "oidc";

/// As whom tries are counted by tokens that nobody has.
const NO_TOKEN: &str = "token";

/// How long it may take until a change of a repository's visibility is seen.
const VISIBILITY_KNOWN_FOR: Duration = Duration::from_secs(5);
const MOST_REPOSITORIES: usize = 10_000;

/// How long it may take until the first user closes an open registry, in a process that did not make it.
const CLAIM_KNOWN_FOR: Duration = Duration::from_secs(1);

/// How long a client stays signed in that asked for it.
const SESSION_LIFE: Duration = Duration::from_hours(90 * 24);

/// Why a caller is not recognised.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The credentials are no good.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The access token is no good.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl From<metadata::Error> for GateError {
    fn from(error: metadata::Error) -> Self {
        Self::SignIn(error.into())
    }
}

impl GateSettings {
    /// Of a registry that everybody may do everything to.
    #[must_use]
    pub fn open() -> Self {
        Self { access: Access::Open, ..Self::default() }
    }
}

/// The gate. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    settings: GateSettings,
    accounts: Accounts,
    keys: Keys,
    throttle: Throttle,
    /// Before anything is looked up: nobody fills the books, or keeps the processor busy, by trying one name after the other.
    networks: Throttle,
    audit: Audit,
    first_password: OnceLock<Arc<dyn FirstPassword>>,
    federation: Federation,
    credentials: Recent<[u8; 32], Caller>,
    /// None where the system gives no random bytes: nothing is remembered then.
    credentials_key: Option<hmac::Key>,
    visibility: Recent<RepositoryName, Visibility>,
    claimed: Recent<(), ()>,
    unclaimed: Recent<(), ()>,
    mode: Recent<(), Mode>,
}

impl Gate {
    /// The gate of a registry with this metadata.
    #[must_use]
    pub fn new(store: Arc<dyn MetadataStore>, settings: GateSettings) -> Self {
        let accounts = Accounts::new(Arc::clone(&store));
        let audit = Audit::in_store(Arc::clone(&store));
        let throttle = match settings.counted {
            Counted::Together => Throttle::in_store(Rate::NAME, store),
            Counted::Here => Throttle::here(Rate::NAME),
        };
        Self(Arc::new(Parts {
            federation: Federation::new(accounts.clone(), settings.federation.clone()),
            settings,
            keys: Keys::new(accounts.clone()),
            accounts,
            throttle,
            networks: Throttle::here(Rate::NETWORK),
            audit,
            first_password: OnceLock::new(),
            credentials: Recent::new(CREDENTIALS_KNOWN_FOR, MOST_CREDENTIALS),
            credentials_key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            visibility: Recent::new(VISIBILITY_KNOWN_FOR, MOST_REPOSITORIES),
            claimed: Recent::new(Duration::MAX, 1),
            unclaimed: Recent::new(CLAIM_KNOWN_FOR, 1),
            mode: Recent::new(mode::KNOWN_FOR, 1),
        }))
    }

    /// The books.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Whether everybody may do everything now.
    pub async fn is_open(&self) -> metadata::Result<bool> {
        match self.0.settings.access {
            Access::Open => Ok(true),
            Access::Closed => Ok(false),
            Access::OpenUntilClaimed => Ok(!self.is_claimed().await?),
        }
    }

    /// Whether there is a user, or was none a moment ago.
    async fn is_claimed(&self) -> metadata::Result<bool> {
        if self.0.claimed.get(&()).is_none() && self.0.unclaimed.get(&()).is_some() {
            return Ok(false);
        }
        self.is_claimed_now().await
    }

    /// Whether there is a user. Once there is one, there always is.
    async fn is_claimed_now(&self) -> metadata::Result<bool> {
        if self.0.claimed.get(&()).is_some() {
            return Ok(true);
        }
        let is_claimed = !self.accounts().list::<User>(None, 1).await?.is_empty();
        let answer = if is_claimed { &self.0.claimed } else { &self.0.unclaimed };
        answer.put((), ());
        Ok(is_claimed)
    }

    /// Who asks.
    pub async fn recognise(&self, credentials: &Credentials, address: Option<IpAddr>) -> Result<Caller, GateError> {
        if self.is_open().await? {
            return Ok(Caller::of_an_open_registry());
        }
        match credentials {
            Credentials::None => Ok(Caller::anonymous()),
            Credentials::Basic { user, password } => Ok(self.sign_in(user, password, address).await?),
            Credentials::Bearer(token) => match access_token::proven(&self.0.keys, token).await? {
                Some(caller) => Ok(caller),
                None => self.recognise_by(token, address).await,
            },
        }
    }

    /// Who presents a token of any kind.
    async fn recognise_by(&self, token: &str, address: Option<IpAddr>) -> Result<Caller, GateError> {
        let name = match Presented::read(token) {
            _ if TokenSecret::read(token).is_some() => NO_TOKEN,
            Some(presented) if presented.is_foreign(SERVICE) => FEDERATED,
            Some(_) | None => return Ok(access_token::read(&self.0.keys, token).await?),
        };
        Ok(self.sign_in(name, &Password::given(token), address).await?)
    }

    /// Who has this name and password, or this token, or is vouched for by it. What was right a moment ago still is.
    pub async fn sign_in(
        &self,
        user: &str,
        password: &Password,
        address: Option<IpAddr>,
    ) -> Result<Caller, SignInError> {
        let known_as = self.known_as(user, password);
        if let Some(caller) = known_as.and_then(|known_as| self.0.credentials.get(&known_as)) {
            return Ok(caller);
        }
        let since = self.0.credentials.now();
        let (caller, life) = self.sign_in_anew(user, password, address).await?;
        if let Some(known_as) = known_as {
            self.0.credentials.put_since(since, life, known_as, caller.clone());
        }
        Ok(caller)
    }

    /// Who that is, and for how long at most that may be gone by.
    async fn sign_in_anew(
        &self,
        user: &str,
        password: &Password,
        address: Option<IpAddr>,
    ) -> Result<(Caller, Duration), SignInError> {
        let now = Timestamp::now();
        if let Some(presented) = Presented::read(password.expose()) {
            self.take(FEDERATED, address, now).await?;
            let Admitted { caller, until } = self.0.federation.sign_in(&presented, now).await?;
            return Ok((caller, until.since(now)));
        }
        if let Some(secret) = TokenSecret::read(password.expose()) {
            let (caller, expires) = self.sign_in_by(&secret, TokenKind::Access, address, now).await?;
            return Ok((caller, expires.map_or(Duration::MAX, |expires| expires.since(now))));
        }
        let signing_in = self.guessable(user, address, now, async {
            self.claim(user, password).await?;
            sign_in::by_password(self.accounts(), user, password).await
        });
        Ok((signing_in.await?, Duration::MAX))
    }

    /// Who stays signed in by this.
    pub async fn sign_in_again(&self, session: &str, address: Option<IpAddr>) -> Result<Caller, SignInError> {
        let secret = TokenSecret::read(session).ok_or(SignInError::Wrong)?;
        Ok(self.sign_in_by(&secret, TokenKind::Refresh, address, Timestamp::now()).await?.0)
    }

    /// Whose token it is, and when that ends. Those that nobody has are counted together.
    async fn sign_in_by(
        &self,
        secret: &TokenSecret,
        kind: TokenKind,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(Caller, Option<Timestamp>), SignInError> {
        self.take_of_network(address, now).await?;
        match sign_in::token(self.accounts(), secret, kind).await {
            Ok(token) => {
                self.take(token.id.as_str(), address, now).await?;
                Ok((sign_in::by_token(self.accounts(), &token, now).await?, token.expires))
            }
            Err(error) => {
                self.take(NO_TOKEN, address, now).await?;
                Err(error)
            }
        }
    }

    /// The user whose password it is, also where it is good for nothing but being changed.
    pub async fn user(&self, name: &str, password: &Password, address: Option<IpAddr>) -> Result<User, SignInError> {
        self.guessable(name, address, Timestamp::now(), async {
            self.claim(name, password).await?;
            sign_in::user(self.accounts(), name, password).await
        })
        .await
    }

    /// Lets whoever knows the password that lies there make the first administrator.
    pub fn offer(&self, password: Arc<dyn FirstPassword>) {
        drop(self.0.first_password.set(password));
    }

    /// Makes the first administrator, where there is no user yet and that is offered.
    async fn claim(&self, name: &str, password: &Password) -> Result<(), SignInError> {
        let (Some(first), FIRST_ADMIN, Ok(admin)) = (self.0.first_password.get(), name, name.parse()) else {
            return Ok(());
        };
        // Whoever has just set another password, here or in another process, must be believed.
        if self.is_claimed_now().await? {
            return Ok(());
        }
        first_admin::claim(self.accounts(), &**first, admin, password).await
    }

    /// A try by what can be guessed: it counts more when it is wrong.
    async fn guessable<T>(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
        signing_in: impl Future<Output = Result<T, SignInError>>,
    ) -> Result<T, SignInError> {
        self.take_of_network(address, now).await?;
        self.take(name, address, now).await?;
        let signed_in = signing_in.await;
        if matches!(signed_in, Err(SignInError::Wrong)) {
            self.0.throttle.failed(&try_of(name, address), now).await?;
        }
        signed_in
    }

    async fn take(&self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), SignInError> {
        self.0.throttle.take(&try_of(name, address), now).await?.map_err(SignInError::TooMany)
    }

    async fn take_of_network(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), SignInError> {
        let Some(address) = address else { return Ok(()) };
        self.0.networks.take(&network_of(address), now).await?.map_err(SignInError::TooMany)
    }

    /// Under what credentials are remembered: whoever reads this process's memory finds no password there.
    fn known_as(&self, user: &str, password: &Password) -> Option<[u8; 32]> {
        let key = self.0.credentials_key.as_ref()?;
        let tag = hmac::sign(key, format!("{user}\0{}", password.expose()).as_bytes());
        tag.as_ref().try_into().ok()
    }

    /// Decides about everything that a request needs; the first no, if there is one.
    pub async fn decide(&self, caller: &Caller, needs: &[Need]) -> metadata::Result<Decision> {
        let mut decision = Decision::Free;
        for need in needs {
            decision = self.decide_one(caller, need).await?;
            if !decision.is_yes() {
                break;
            }
        }
        Ok(decision)
    }

    /// Decides about one need. Whether a repository is public is asked only where that makes a difference.
    async fn decide_one(&self, caller: &Caller, need: &Need) -> metadata::Result<Decision> {
        let decision = decide(caller, need, Visibility::Private);
        match need {
            Need::Action(Action::Pull, name) if !decision.is_yes() => {
                Ok(decide(caller, need, self.visibility(name).await?))
            }
            _ => Ok(decision),
        }
    }

    /// Whether the caller may do this to the repository.
    pub async fn may(&self, caller: &Caller, action: Action, name: &RepositoryName) -> metadata::Result<bool> {
        Ok(self.decide_one(caller, &Need::Action(action, name.clone())).await?.is_yes())
    }

    /// Who may read a repository.
    async fn visibility(&self, name: &RepositoryName) -> metadata::Result<Visibility> {
        if let Some(known) = self.0.visibility.get(name) {
            return Ok(known);
        }
        let settings = self.accounts().get::<RepositorySettings>(name.as_str()).await?;
        let visibility = settings.map(|known| known.record.visibility).unwrap_or_default();
        self.0.visibility.put(name.clone(), visibility);
        Ok(visibility)
    }

    /// What the caller may see in a list of repositories. An access token names no repositories that were not asked for:
    /// what its bearer may do is looked up.
    pub async fn sight(&self, caller: &Caller) -> metadata::Result<Sight> {
        let powers = match (&caller.principal, caller.proof) {
            (Principal::Account(subject), Proof::AccessToken) => {
                self.powers_now(subject, caller).await?.unwrap_or_default()
            }
            _ => caller.powers.clone(),
        };
        let settings = self.accounts().all::<RepositorySettings>().await?;
        let public = settings.into_iter().filter(|settings| settings.visibility == Visibility::Public);
        Ok(Sight { powers, public: public.map(|settings| settings.name).collect() })
    }

    /// What an account may do now; none when what the caller has shown counts no longer.
    async fn powers_now(&self, account: &Subject, caller: &Caller) -> metadata::Result<Option<Powers>> {
        let Some(id) = &caller.token else {
            return sign_in::powers_of(self.accounts(), account, Some(caller.since)).await;
        };
        match self.accounts().get::<Token>(id).await? {
            Some(known) => sign_in::powers_by(self.accounts(), &known.record).await,
            None => Ok(None),
        }
    }

    /// The caller as the books have them now, not a moment ago: for who changes them. Whoever others vouch for is not in the
    /// books.
    pub async fn confirm(&self, caller: Caller) -> Result<Caller, GateError> {
        let Principal::Account(account) = &caller.principal else {
            return Ok(caller);
        };
        let now = self.powers_now(account, &caller).await.map_err(SignInError::from)?;
        match (now, caller.proof) {
            (Some(powers), Proof::AccessToken) if powers.administers_as_much_as(&caller.powers) => Ok(caller),
            (Some(powers), Proof::Credentials) => Ok(Caller { powers, ..caller }),
            (Some(_) | None, _) => Err(SignInError::Wrong.into()),
        }
    }

    /// A token for what the caller asks and may do. What they may not do is left out: the request that needs it will say so.
    pub async fn issue(&self, caller: &Caller, scopes: &[Scope]) -> Result<Issued, GateError> {
        let (mut permits, mut administers) = (Vec::new(), false);
        for scope in scopes {
            match scope {
                Scope::Repository(name, asked) => {
                    let mut actions = caller.powers.on(name.as_str()).and(*asked);
                    let is_pull_asked = asked.contains(Action::Pull) && !actions.contains(Action::Pull);
                    if is_pull_asked && self.may(caller, Action::Pull, name).await? {
                        actions = actions.or(Actions::of(&[Action::Pull]));
                    }
                    if !actions.is_empty() {
                        permits.push(Permit { repositories: name.into(), actions });
                    }
                }
                Scope::Catalog => {}
                Scope::Administration => administers = caller.powers.administers_all(),
            }
        }
        Ok(access_token::issue(&self.0.keys, caller, &permits, administers, Timestamp::now()).await?)
    }

    /// Something by which a user stays signed in, without the password. None for a caller who has shown a token: that is
    /// such a thing already, and what comes of it must not outlive it.
    pub async fn stay_signed_in(&self, caller: &Caller, client: &str) -> Result<Option<TokenSecret>, GateError> {
        let (Principal::Account(owner @ Subject::User(_)), Proof::Credentials, None) =
            (&caller.principal, caller.proof, &caller.token)
        else {
            return Ok(None);
        };
        let secret = TokenSecret::random().map_err(|error| TokenError::Keys(KeyError::from(error)))?;
        let now = Timestamp::now();
        let token = Token {
            id: secret.id().clone(),
            owner: owner.clone(),
            kind: TokenKind::Refresh,
            label: client.chars().take(100).collect(),
            secret: secret.hash(),
            limits: None,
            // As old as what the caller has shown: a sign-out that has come meanwhile ends it too.
            created: caller.since,
            expires: Some(now.plus(SESSION_LIFE)),
        };
        self.accounts().create(&token).await?;
        Ok(Some(secret))
    }

    /// Whether nothing may be changed now. Where everybody may do everything, nobody switches: there only the setting counts.
    pub async fn is_read_only(&self) -> metadata::Result<bool> {
        if self.0.settings.is_read_only || self.0.settings.access == Access::Open {
            return Ok(self.0.settings.is_read_only);
        }
        if let Some(mode) = self.0.mode.get(&()) {
            return Ok(mode == Mode::ReadOnly);
        }
        let mode = self.mode().await?;
        self.0.mode.put((), mode);
        Ok(mode == Mode::ReadOnly)
    }

    /// What the registry lets be done at all, as it was last switched.
    pub async fn mode(&self) -> metadata::Result<Mode> {
        mode::read(self.accounts()).await
    }

    /// Switches it, for every process.
    pub async fn switch(&self, mode: Mode) -> metadata::Result<()> {
        mode::write(self.accounts(), mode).await?;
        self.0.mode.put((), mode);
        Ok(())
    }

    /// Signs with a new key from now on; those before go on counting for a while, or not at all.
    pub async fn rotate_keys(&self, at_once: bool) -> Result<PublicKey, KeyError> {
        self.0.keys.rotate(at_once).await
    }

    /// The public halves of all keys that count.
    pub async fn keys(&self) -> Result<Vec<PublicKey>, KeyError> {
        self.0.keys.public().await
    }

    /// Tells the audit of an act; it is kept when `kept`, and not told at all where everybody may do everything.
    pub async fn tell(&self, act: &Act, kept: bool) {
        if !matches!(self.is_open().await, Ok(true)) {
            self.0.audit.tell(act, kept).await;
        }
    }

    /// Writes no act to standard output any more: for a process whose output is an answer.
    pub fn be_quiet(&self) {
        self.0.audit.be_quiet();
    }

    /// The acts that were kept, the newest first; and from where the list goes on, when it may.
    pub async fn acts(&self, wanted: &ActsWanted) -> metadata::Result<(Vec<KeptAct>, Option<(Timestamp, String)>)> {
        self.0.audit.acts(wanted).await
    }

    /// Forgets the credentials of a token or an account: all others go on counting, whoever has caused the change.
    pub fn forget_callers(&self, is_like: impl Fn(&Caller) -> bool) {
        self.0.credentials.forget(is_like);
    }

    /// Forgets what was found out a moment ago: after a change that shall be seen at once in this process.
    pub fn forget(&self) {
        self.0.credentials.clear();
        self.0.visibility.clear();
        self.0.unclaimed.clear();
    }
}

/// Which repositories somebody sees in a list.
#[derive(Debug, Clone)]
pub struct Sight {
    powers: Powers,
    public: std::collections::HashSet<RepositoryName>,
}

impl Sight {
    /// Whether the repository is among them.
    #[must_use]
    pub fn has(&self, name: &RepositoryName) -> bool {
        self.powers.on(name.as_str()).contains(Action::Pull) || self.public.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Administration, Grant, Group, Name, Robot, Role, TokenUse};
    use crate::metadata::MemoryStore;

    const PASSWORD: &str = "correct horse battery";

    fn gate(access: Access) -> (Gate, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::new());
        let settings = GateSettings { access, ..GateSettings::default() };
        (Gate::new(store.clone(), settings), store)
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn grant(repositories: &str, role: Role) -> Grant {
        Grant { repositories: repositories.parse().unwrap(), role }
    }

    async fn add_user(gate: &Gate, user: &str, grants: Vec<Grant>) -> User {
        let user = User {
            name: name(user),
            password: Password::given(PASSWORD).hash().await.unwrap(),
            must_change_password: false,
            grants,
            groups: vec![],
            is_disabled: false,
            signed_out: Timestamp::default(),
            created: Timestamp::now(),
        };
        assert!(gate.accounts().create(&user).await.unwrap());
        user
    }

    async fn add_token(gate: &Gate, owner: Subject, limits: Option<Vec<Permit>>) -> TokenSecret {
        let secret = TokenSecret::random().unwrap();
        let token = Token {
            id: secret.id().clone(),
            owner,
            kind: TokenKind::Access,
            label: "test".to_owned(),
            secret: secret.hash(),
            limits,
            created: Timestamp::now(),
            expires: None,
        };
        assert!(gate.accounts().create(&token).await.unwrap());
        secret
    }

    fn basic(user: &str, password: &str) -> Credentials {
        Credentials::Basic { user: user.to_owned(), password: Password::given(password) }
    }

    async fn bearer(gate: &Gate, caller: &Caller, scope: &str) -> Caller {
        let scopes: Vec<_> = Scope::read(scope).collect();
        let issued = gate.issue(caller, &scopes).await.unwrap();
        gate.recognise(&Credentials::Bearer(issued.token), None).await.unwrap()
    }

    #[tokio::test]
    async fn an_open_registry_closes_with_its_first_user() {
        let (gate, _) = gate(Access::OpenUntilClaimed);
        assert_eq!(gate.recognise(&Credentials::None, None).await.unwrap(), Caller::of_an_open_registry());
        add_user(&gate, "alice", vec![]).await;
        gate.forget();
        assert_eq!(gate.recognise(&Credentials::None, None).await.unwrap(), Caller::anonymous());
    }

    #[tokio::test]
    async fn a_password_opens_and_what_is_not_one_does_not() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("team-a/**", Role::Writer)]).await;
        let caller = gate.recognise(&basic("alice", PASSWORD), None).await.unwrap();
        assert_eq!(caller.principal.to_string(), "user:alice");
        assert_eq!(caller.powers.on("team-a/app"), Role::Writer.actions());
        for (user, password) in [("alice", "wrong"), ("bob", PASSWORD), ("", ""), ("a:b", PASSWORD), ("alice", "")] {
            let refused = gate.recognise(&basic(user, password), None).await;
            assert!(matches!(refused, Err(GateError::SignIn(SignInError::Wrong))), "{user}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn a_first_password_is_good_for_being_changed_only() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("**", Role::Admin)]).await;
        gate.accounts().change("alice", |user: &mut User| user.must_change_password = true).await.unwrap();
        let refused = gate.recognise(&basic("alice", PASSWORD), None).await;
        assert!(matches!(refused, Err(GateError::SignIn(SignInError::MustChangePassword))), "{refused:?}");
        assert!(gate.user("alice", &Password::given(PASSWORD), None).await.is_ok());
    }

    #[tokio::test]
    async fn guessing_takes_longer_and_longer() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![]).await;
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        for _ in 0..5 {
            assert!(matches!(gate.sign_in("alice", &Password::given("wrong"), here).await, Err(SignInError::Wrong)));
        }
        let kept_out = gate.sign_in("alice", &Password::given(PASSWORD), here).await;
        assert!(matches!(kept_out, Err(SignInError::TooMany(wait)) if wait <= Duration::from_secs(1)), "{kept_out:?}");
        let elsewhere = Some(IpAddr::from([127, 0, 0, 2]));
        assert!(gate.sign_in("alice", &Password::given(PASSWORD), elsewhere).await.is_ok());
    }

    #[tokio::test]
    async fn a_token_does_what_its_owner_may_within_its_limits_until_it_is_removed() {
        let (gate, _) = gate(Access::Closed);
        let group = Group { name: name("ci"), grants: vec![grant("**", Role::Maintainer)], created: Timestamp::now() };
        gate.accounts().create(&group).await.unwrap();
        let robot = Robot {
            name: name("deploy"),
            grants: vec![],
            groups: vec![name("ci")],
            is_disabled: false,
            created: Timestamp::now(),
        };
        gate.accounts().create(&robot).await.unwrap();
        let limits = vec![Permit { repositories: "team-a/**".parse().unwrap(), actions: "pull".parse().unwrap() }];
        let secret = add_token(&gate, Subject::Robot(name("deploy")), Some(limits)).await;
        let caller = gate.recognise(&basic("anything", secret.expose()), None).await.unwrap();
        assert_eq!(caller.powers.on("team-a/app").to_string(), "pull");
        assert_eq!(caller.powers.on("team-b/app"), Actions::NONE);
        let bearer = gate.recognise(&Credentials::Bearer(secret.expose().to_owned()), None).await.unwrap();
        assert_eq!((bearer.principal, bearer.powers, bearer.token), (caller.principal, caller.powers, caller.token));
        let used = gate.accounts().get::<TokenUse>(secret.id().as_str()).await.unwrap();
        assert!(used.is_some());
        gate.accounts().remove::<Token>(secret.id().as_str()).await.unwrap();
        gate.forget();
        let revoked = gate.recognise(&basic("anything", secret.expose()), None).await;
        assert!(matches!(revoked, Err(GateError::SignIn(SignInError::Wrong))), "{revoked:?}");
    }

    #[tokio::test]
    async fn an_access_token_says_what_was_asked_for_and_may_be_had() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("team-a/**", Role::Reader)]).await;
        let public = RepositorySettings { name: "open/app".parse().unwrap(), visibility: Visibility::Public };
        gate.accounts().create(&public).await.unwrap();
        let alice = gate.recognise(&basic("alice", PASSWORD), None).await.unwrap();
        let scope = "repository:team-a/app:pull,push repository:open/app:pull,push repository:team-b/app:pull";
        let caller = bearer(&gate, &alice, scope).await;
        assert_eq!(caller.principal, alice.principal);
        assert_eq!(caller.powers.on("team-a/app").to_string(), "pull");
        assert_eq!(caller.powers.on("open/app").to_string(), "pull");
        assert_eq!(caller.powers.on("team-b/app"), Actions::NONE);
        assert_eq!(caller.powers.on("team-a/other"), Actions::NONE, "it was not asked for");
        let nobody = bearer(&gate, &Caller::anonymous(), scope).await;
        assert_eq!(nobody.powers.on("open/app").to_string(), "pull");
        assert_eq!(nobody.powers.on("team-a/app"), Actions::NONE);
    }

    #[tokio::test]
    async fn a_token_of_another_registry_or_tampered_with_is_no_good() {
        let ((here, _), (there, _)) = (gate(Access::Closed), gate(Access::Closed));
        let caller = Caller::operator();
        let scope: Vec<_> = Scope::read("repository:a:pull").collect();
        let theirs = there.issue(&caller, &scope).await.unwrap().token;
        let ours = here.issue(&caller, &scope).await.unwrap().token;
        assert!(here.recognise(&Credentials::Bearer(ours.clone()), None).await.is_ok());
        let parts: Vec<&str> = ours.split('.').collect();
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let forged = [
            theirs,
            format!("{none}.{}.", parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}x.{}", parts[0], parts[1], parts[2]),
            "x.y.z".to_owned(),
            String::new(),
            "a".repeat(100_000),
        ];
        for token in forged {
            let refused = here.recognise(&Credentials::Bearer(token), None).await;
            assert!(matches!(refused, Err(GateError::Token(TokenError::Invalid(_)))), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn rotated_keys_overlap_unless_they_must_not() {
        let (gate, store) = gate(Access::Closed);
        let scope: Vec<_> = Scope::read("repository:a:pull").collect();
        let before = gate.issue(&Caller::operator(), &scope).await.unwrap().token;
        let other = Gate::new(store, GateSettings::default());
        assert!(other.recognise(&Credentials::Bearer(before.clone()), None).await.is_ok());
        gate.rotate_keys(false).await.unwrap();
        let after = gate.issue(&Caller::operator(), &scope).await.unwrap().token;
        for gate in [&gate, &other] {
            assert!(gate.recognise(&Credentials::Bearer(before.clone()), None).await.is_ok());
        }
        assert!(gate.recognise(&Credentials::Bearer(after.clone()), None).await.is_ok());
        assert_eq!(gate.keys().await.unwrap().len(), 2);
        gate.rotate_keys(true).await.unwrap();
        assert_eq!(gate.keys().await.unwrap().len(), 1);
        for token in [before, after] {
            assert!(gate.recognise(&Credentials::Bearer(token), None).await.is_err());
        }
    }

    #[tokio::test]
    async fn who_stays_signed_in_is_out_once_the_password_has_changed() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("a", Role::Reader)]).await;
        let alice = gate.recognise(&basic("alice", PASSWORD), None).await.unwrap();
        let session = gate.stay_signed_in(&alice, "docker").await.unwrap().unwrap();
        let again = gate.sign_in_again(session.expose(), None).await.unwrap();
        assert_eq!(again.principal, alice.principal);
        assert!(gate.recognise(&basic("alice", session.expose()), None).await.is_err(), "it is no password");
        assert_eq!(gate.stay_signed_in(&again, "docker").await.unwrap(), None);
        let change = |user: &mut User| user.signed_out = Timestamp::now();
        gate.accounts().change("alice", change).await.unwrap();
        assert!(matches!(gate.sign_in_again(session.expose(), None).await, Err(SignInError::Wrong)));
    }

    #[tokio::test]
    async fn a_list_shows_what_may_be_pulled_whatever_the_token_says() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("team-a/**", Role::Reader)]).await;
        let public = RepositorySettings { name: "open/app".parse().unwrap(), visibility: Visibility::Public };
        gate.accounts().create(&public).await.unwrap();
        let alice = gate.recognise(&basic("alice", PASSWORD), None).await.unwrap();
        let by_token = bearer(&gate, &alice, "registry:catalog:*").await;
        let nobody = bearer(&gate, &Caller::anonymous(), "registry:catalog:*").await;
        for (caller, sees) in [(&alice, true), (&by_token, true), (&nobody, false)] {
            let sight = gate.sight(caller).await.unwrap();
            assert_eq!(sight.has(&"team-a/app".parse().unwrap()), sees);
            assert!(sight.has(&"open/app".parse().unwrap()));
            assert!(!sight.has(&"team-b/app".parse().unwrap()));
        }
    }

    #[tokio::test]
    async fn the_switch_is_seen_and_the_setting_is_stronger() {
        let (gate, store) = gate(Access::Closed);
        assert!(!gate.is_read_only().await.unwrap());
        gate.switch(Mode::ReadOnly).await.unwrap();
        assert!(gate.is_read_only().await.unwrap());
        gate.switch(Mode::ReadWrite).await.unwrap();
        assert!(!gate.is_read_only().await.unwrap());
        let settings = GateSettings { is_read_only: true, ..GateSettings::default() };
        assert!(Gate::new(store, settings).is_read_only().await.unwrap());
    }

    #[tokio::test]
    async fn what_an_old_password_has_opened_makes_nothing_that_lasts() {
        let (gate, store) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("**", Role::Admin)]).await;
        let alice = gate.sign_in("alice", &Password::given(PASSWORD), None).await.unwrap();
        let bearer = bearer(&gate, &alice, "registry:admin:*").await;
        // In another process, that has no part in what this one remembers.
        let elsewhere = Gate::new(store, GateSettings::default());
        for caller in [&alice, &bearer] {
            assert_eq!(gate.confirm(caller.clone()).await.unwrap(), *caller);
        }
        let change = |user: &mut User| user.signed_out = Timestamp::now();
        elsewhere.accounts().change("alice", change).await.unwrap();
        let remembered = gate.sign_in("alice", &Password::given(PASSWORD), None).await.unwrap();
        assert_eq!(remembered, alice, "for a minute at most");
        for caller in [&alice, &bearer] {
            let refused = gate.confirm(caller.clone()).await;
            assert!(matches!(refused, Err(GateError::SignIn(SignInError::Wrong))), "{refused:?}");
        }
        let session = gate.stay_signed_in(&remembered, "docker").await.unwrap().unwrap();
        let refused = gate.sign_in_again(session.expose(), None).await;
        assert!(matches!(refused, Err(SignInError::Wrong)), "{refused:?}");
    }

    #[tokio::test]
    async fn who_administered_a_moment_ago_administers_no_more() {
        let (gate, _) = gate(Access::Closed);
        add_user(&gate, "alice", vec![grant("**", Role::Admin)]).await;
        let alice = gate.sign_in("alice", &Password::given(PASSWORD), None).await.unwrap();
        let bearer = bearer(&gate, &alice, "registry:admin:*").await;
        gate.accounts().change("alice", |user: &mut User| user.grants.clear()).await.unwrap();
        assert!(!gate.confirm(alice.clone()).await.unwrap().powers.administers_all());
        assert!(gate.confirm(bearer.clone()).await.is_err());
        gate.accounts().remove::<User>("alice").await.unwrap();
        assert!(gate.confirm(alice).await.is_err() && gate.confirm(bearer).await.is_err());
    }

    #[derive(Debug)]
    struct Kept(&'static str);

    #[async_trait::async_trait]
    impl FirstPassword for Kept {
        async fn read(&self) -> Result<Password, Box<dyn std::error::Error + Send + Sync>> {
            Ok(Password::given(self.0))
        }
    }

    #[tokio::test]
    async fn the_first_password_makes_the_first_administrator_once() {
        let (gate, _) = gate(Access::Closed);
        gate.offer(Arc::new(Kept(PASSWORD)));
        let wrong = gate.sign_in(FIRST_ADMIN, &Password::given("wrong"), None).await;
        assert!(matches!(wrong, Err(SignInError::Wrong)), "{wrong:?}");
        assert!(gate.accounts().all::<User>().await.unwrap().is_empty());
        let right = gate.sign_in(FIRST_ADMIN, &Password::given(PASSWORD), None).await;
        assert!(matches!(right, Err(SignInError::MustChangePassword)), "{right:?}");
        let admin = gate.user(FIRST_ADMIN, &Password::given(PASSWORD), None).await.unwrap();
        assert!(Powers::granted(&admin.grants).administers_all());
        let (first, chosen) = (Password::given(PASSWORD), Password::given("another horse battery staple"));
        Administration::of(gate.accounts()).change_own_password(&admin, &first, &chosen).await.unwrap();
        assert!(gate.sign_in(FIRST_ADMIN, &first, None).await.is_err());
        gate.sign_in(FIRST_ADMIN, &chosen, None).await.expect("what was chosen counts at once");
    }
}
