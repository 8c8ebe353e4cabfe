//! `tenancy_federated_user`: a Keystone user who logs in through an identity provider, there before the first login.

mod moved;
pub mod take;

use super::tenant_project::changed;
use super::{Existing, Explain, Tenancy, check, diagnostic, federation_protocol, taken_over};
use crate::openstack::identity::{Link, NewUser, User, UserChange, stored_unique_id, unique_id_of};
use crate::tf::{
    After, Change, Computed, Context, Diagnostic, Draft, Failure, Identity, Model, Move, Outcome, Path,
    Resource, Result, Value, at, choice,
};

use take::{Found, Refused, Taken, look, refusal, take};

choice! {
    /// What a create does about a user who is there already.
    pub enum OnExisting {
        /// Takes the user over.
        Adopt = "adopt",
        /// Refuses.
        Fail = "fail",
    }
}

choice! {
    /// What becomes of a user when its resource is destroyed.
    pub enum OnDestroy {
        /// Deleted.
        Delete = "delete",
        /// Disabled; it stays.
        Disable = "disable",
        /// Left as it is.
        Keep = "keep",
    }
}

/// A federated user: one who logs in through an identity provider, and is in Keystone before the first login, so that
/// groups and roles can be given at once.
///
/// The user is found by the identity (`identity_provider`, `protocol`, `unique_id`), then by the name in the domain, and
/// made only if there is neither. One who was found by name is given the identity besides the ones they have. It has no
/// password. At the login the mapping must give the same unique id, as the user's `id` or else as the user's `name`.
///
/// A user whom a login made has no name of its own, only a display name that each login changes: one that is taken over
/// gets `name` for good. Removing this resource takes no identity from a user who stays, since Keystone cannot do that.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct FederatedUser {
    /// Id of the user.
    #[tf(keep)]
    pub id: Computed<String>,
    /// Name of the user (the euid, `User.name`), unique within its domain. At most 255 characters.
    #[tf(check(check::user_name))]
    pub name: String,
    /// Id of the domain that the user is in. By default the domain of the one who has the identity already, or else the
    /// provider's `users_domain_id`.
    #[tf(optional, keep, replace, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Keystone's id of the identity provider.
    #[tf(check(check::not_empty))]
    pub identity_provider: String,
    /// Keystone's id of the protocol, such as `openid`.
    #[tf(check(check::not_empty))]
    pub protocol: String,
    /// Who the user is at the identity provider: what the mapping gives for the user's id, or else for its name. By default
    /// `name`. Two users never have the same one. Quoted it has at most 255 characters.
    #[tf(optional, check(check::unique_id))]
    pub unique_id: Computed<String>,
    /// The unique id as Keystone stores it at a login: quoted as for a URL. Null if the user has lost the identity, which
    /// the next apply gives back.
    pub unique_id_stored: Computed<Option<String>>,
    /// Whether the user can log in. Not managed unless set; a new user can. Keystone may disable users who do not log in.
    #[tf(managed_if_set)]
    pub enabled: Option<bool>,
    /// E-mail address. Not managed unless set. A login writes it too, if the mapping gives one.
    #[tf(managed_if_set)]
    pub email: Option<String>,
    /// Who the user is. Not managed unless set.
    #[tf(managed_if_set)]
    pub description: Option<String>,
    /// Id of the project for logins that name none; `""` is none. Not managed unless set. Keystone forgets it when the
    /// project is deleted.
    #[tf(managed_if_set)]
    pub default_project_id: Option<String>,
    /// What to do about a user who is there already: `adopt` takes the user over, `fail` refuses.
    #[tf(default = OnExisting::Adopt)]
    pub on_existing: OnExisting,
    /// What becomes of the user on destroy: `delete` deletes them, with their memberships and roles; `disable` leaves them
    /// without access; `keep` leaves them as they are, with the identity. By default a user whom Terraform made is deleted,
    /// one who was adopted or imported is kept. The account that Terraform itself uses is neither deleted nor disabled.
    pub on_destroy: Option<OnDestroy>,
    /// Whether the user was there before Terraform.
    #[tf(keep)]
    pub adopted: Computed<bool>,
}

/// An id, and what only an import by identity says: which of several identities is meant.
#[derive(Clone, Debug)]
pub struct Which {
    id: String,
    link: Option<Link>,
}

impl Identity for Which {
    fn schema() -> crate::tf::Schema {
        String::schema()
    }

    fn decode(value: crate::tf::Value) -> std::result::Result<Self, crate::tf::Mismatch> {
        <String as Identity>::decode(value).map(|id| Which { id, link: None })
    }

    fn encode(self) -> crate::tf::Value {
        Identity::encode(self.id)
    }

    fn parse(text: &str) -> Result<Self> {
        String::parse(text).map(|id| Which { id, link: None })
    }
}

impl From<String> for Which {
    fn from(id: String) -> Self {
        Which { id, link: None }
    }
}

impl Resource for FederatedUser {
    const NAME: &'static str = "federated_user";
    type Client = Tenancy;
    type Id = Which;

    fn id(&self) -> Option<Which> {
        Some(Which { id: self.id.as_known()?.clone(), link: None })
    }

    fn validate(config: &Draft<Self>) -> Result<()> {
        if config.is_set(at!(Self, unique_id)) {
            return Ok(());
        }
        match config.get(at!(Self, name))?.map(|name| check::unique_id(&name)) {
            Some(Err(why)) => {
                let told = Diagnostic::error("The name is no unique id").detail(why);
                Err(told.at(at!(Self, name)).into())
            }
            _ => Ok(()),
        }
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let prior = change.prior.as_ref();
        let goes = change.planned.is_none() || !change.replace.is_empty();
        if let (Some(prior), Some(client)) = (prior.filter(|_| goes), client) {
            announce_end(prior, client).await?;
        }
        let Some(planned) = &mut change.planned else { return Ok(()) };
        if change.config.as_ref().is_some_and(|config| !config.is_set(at!(Self, unique_id))) {
            match planned.get(at!(Self, name))? {
                Some(name) => planned.set(at!(Self, unique_id), name.into()),
                None => planned.set_unknown(at!(Self, unique_id)),
            }
        }
        match planned.get(at!(Self, unique_id))? {
            Some(Computed::Known(it)) => {
                planned.set(at!(Self, unique_id_stored), Some(stored_unique_id(&it)).into())
            }
            _ => planned.set_unknown(at!(Self, unique_id_stored)),
        }
        let Some(client) = client else { return Ok(()) };
        match prior {
            Some(prior) => {
                let by = federation_protocol::identities(&prior.identity_provider, &prior.protocol);
                if client.is_leaving(&by) {
                    // It goes with the protocol, and is given again once that is there anew.
                    planned.set_unknown(at!(Self, unique_id_stored));
                }
                if planned.get(at!(Self, enabled))? == Some(Some(false)) {
                    refuse_own(prior, at!(Self, enabled), client).await?;
                }
                Ok(())
            }
            None => announce_create(planned, change.config.as_ref(), client).await,
        }
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let (new, anywhere) = plan.wanted(client).await?;
        let adopt = plan.on_existing == OnExisting::Adopt;
        let Taken { user, adopted, left_over } =
            take(&new, anywhere, adopt, client).await.map_err(|why| why.explain(&new))?;
        if left_over {
            client.warn(taken_over("user", &user.name, &user.id).at(at!(Self, name)));
        }
        let rest = new.rest.clone().unlike(&user);
        let now = Self { adopted: adopted.into(), ..plan }.seen(user, Some(&new.link));
        if rest == UserChange::default() {
            return Ok(now);
        }
        if rest.enabled == Some(false) {
            refuse_own(&now, at!(Self, enabled), client).await.after(&now)?;
        }
        let user = client.users().update(&now.own_id(), &rest).await;
        let user = user.map_err(|error| refusal(error, &new)).after(&now)?;
        Ok(now.seen(user, Some(&new.link)))
    }

    async fn read(which: Which, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        const SUMMARY: &str = "Cannot read the user";
        let users = client.users();
        if let Some(last) = last {
            // Not by id: Keystone 30 has users in a cache that a deleted identity provider does not clear.
            let link = last.link();
            let holder = match last.identity_provider.is_empty() {
                // Moved here, and without an identity so far.
                true => None,
                false => users.linked(&link).await.explain(SUMMARY)?,
            };
            if let Some(user) = holder.filter(|it| it.id == which.id) {
                return Ok(Some(last.seen(user, Some(&link))));
            }
            let user = users.get_opt(&which.id).await.explain(SUMMARY)?;
            return Ok(user.map(|user| last.seen(user, None)));
        }
        let Some(user) = users.get_opt(&which.id).await.explain(SUMMARY)? else { return Ok(None) };
        let links = match which.link {
            Some(link) => vec![link],
            None => users.identities(&user).await.explain(SUMMARY)?,
        };
        match &links[..] {
            [link] => Ok(Some(Self::imported(user, link))),
            _ => Err(ambiguous(&user, &links).into()),
        }
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let id = from.own_id();
        let users = client.users();
        if to.enabled == Some(false) {
            refuse_own(&from, at!(Self, enabled), client).await.after(&from)?;
        }
        let rest = UserChange {
            enabled: changed(&from.enabled, &to.enabled),
            email: changed(&from.email, &to.email),
            description: changed(&from.description, &to.description),
            default_project_id: changed(&from.default_project_id, &to.default_project_id).map(project),
        };
        let (link, before) = (to.link(), from.link());
        let domain_id = from.domain_id.as_known().cloned().unwrap_or_default();
        let new = NewUser { name: to.name.clone(), domain_id, link, rest };
        let mut now = from.clone();
        // Lost, or about to be when this was planned.
        let lost = from.unique_id_stored == Computed::Known(None) || to.unique_id_stored == Computed::Unknown;
        if from.name != to.name || before != new.link || lost {
            let _alone = client.alone_with(format!("user {}", new.link).to_lowercase()).await;
            match users.link(&id, &new.name, Some(&before), &new.link).await {
                Ok(_) => {
                    now = Self {
                        name: to.name.clone(),
                        identity_provider: to.identity_provider.clone(),
                        protocol: to.protocol.clone(),
                        unique_id: to.unique_id.clone(),
                        unique_id_stored: Some(new.link.unique_id.clone()).into(),
                        ..from.clone()
                    };
                }
                Err(error) => {
                    // What is left of name and identities is for a read to say.
                    let which = Which { id, link: None };
                    let state = Self::read(which, Some(from.clone()), client).await.ok().flatten();
                    let diagnostics = refusal(error, &new).into();
                    return Err(Failure { state: Some(state.unwrap_or(from)), diagnostics });
                }
            }
        }
        if new.rest != UserChange::default() {
            users.update(&id, &new.rest).await.map_err(|error| refusal(error, &new)).after(&now)?;
        }
        let unique_id = to.unique_id.known().unwrap_or_else(|| to.name.clone()).into();
        let unique_id_stored = Some(new.link.unique_id).into();
        let Self { id, domain_id, adopted, .. } = from;
        Ok(Self { id, domain_id, unique_id, unique_id_stored, adopted, ..to })
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let id = state.own_id();
        match state.end() {
            OnDestroy::Keep => Ok(()),
            OnDestroy::Delete => {
                refuse_own(&state, at!(Self, on_destroy), client).await?;
                client.users().delete(&id).await.explain("Cannot delete the user")
            }
            OnDestroy::Disable => {
                refuse_own(&state, at!(Self, on_destroy), client).await?;
                // Keystone 30 still lets them log in, but gives no token for a project any more.
                let change = UserChange { enabled: Some(false), ..Default::default() };
                match client.users().update(&id, &change).await {
                    Err(error) if !error.is_not_found_of(&id) => {
                        Err(diagnostic("Cannot disable the user", error).at(at!(Self, on_destroy)).into())
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// By id, as `domain/name` with the domain's name or id, or as `federated:identity_provider/protocol/unique_id`.
    async fn find(text: &str, client: &Context<Tenancy>) -> Result<Which> {
        const SUMMARY: &str = "Cannot find the user to import";
        if let Some(identity) = text.strip_prefix("federated:") {
            let mut parts = identity.splitn(3, '/').map(str::to_owned);
            let (Some(identity_provider), Some(protocol), Some(unique_id)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(Diagnostic::error("Unreadable import id")
                    .detail(format!(
                        "\"{text}\" names no user. Expected an id, DOMAIN/NAME, or \
                         federated:IDENTITY_PROVIDER/PROTOCOL/UNIQUE_ID with the unique id as the identity provider has it."
                    ))
                    .into());
            };
            let link = Link { identity_provider, protocol, unique_id: stored_unique_id(&unique_id) };
            let user = client.users().linked(&link).await.explain(SUMMARY)?;
            let id = user.ok_or_else(|| {
                Diagnostic::error(SUMMARY).detail(format!("No user has the identity {link}."))
            })?;
            return Ok(Which { id: id.id, link: Some(link) });
        }
        let Some((domain, name)) = text.split_once('/') else {
            return Ok(Which { id: text.to_owned(), link: None });
        };
        let domain = client.domain(domain).await.explain("Cannot find the domain to import from")?;
        let user = client.user_named(name, &domain).await.explain(SUMMARY)?;
        Ok(Which { id: user.id, link: None })
    }

    fn written(self) -> Self {
        let same = self.unique_id.as_known() == Some(&self.name);
        Self { unique_id: if same { Computed::Unknown } else { self.unique_id }, ..self }
    }

    fn moves() -> Vec<Move<Self>> {
        moved::moves()
    }

    async fn settle(moved: Self, client: &Context<Tenancy>) -> Result<Option<Self>> {
        moved::settle(moved, client).await
    }
}

/// Says in the plan of a create who is taken over, or stands in the way. What cannot be seen yet is for the apply.
async fn announce_create(
    planned: &Draft<FederatedUser>,
    config: Option<&Draft<FederatedUser>>,
    client: &Context<Tenancy>,
) -> Result<()> {
    type User = FederatedUser;
    if config.is_some_and(|it| *it.raw(at!(User, domain_id)) == Value::Unknown) {
        // A domain that is yet to be made has nobody in it, and which other one it is nobody knows.
        client.defer();
        return Ok(());
    }
    let domain = planned.get(at!(User, domain_id))?.and_then(Computed::known);
    if let Some(id) = &domain {
        client.must_exist(Existing::Domain(id), at!(User, domain_id)).await?;
    }
    let (Some(name), Some(identity_provider), Some(protocol), Some(Computed::Known(Some(unique_id)))) = (
        planned.get(at!(User, name))?,
        planned.get(at!(User, identity_provider))?,
        planned.get(at!(User, protocol))?,
        planned.get(at!(User, unique_id_stored))?,
    ) else {
        return Ok(());
    };
    let anywhere = !planned.is_set(at!(User, domain_id)) || domain.is_none();
    let domain_id = match domain {
        Some(id) => id,
        None => client
            .users_domain_id()
            .await
            .explain_at("Cannot find the users' domain", at!(User, domain_id))?,
    };
    let link = Link { identity_provider, protocol, unique_id };
    let new = NewUser { name, domain_id, link, rest: UserChange::default() };
    let fails = planned.get(at!(User, on_existing))? == Some(OnExisting::Fail);
    match look(&new, anywhere, client).await {
        Err(Refused::Cloud(_)) | Ok(None) => Ok(()),
        Ok(Some(found)) if client.is_leaving(&found.user().id) => Ok(()),
        Err(Refused::Elsewhere(user)) if client.is_leaving(&user.id) => Ok(()),
        Err(why) => Err(why.explain(&new).into()),
        Ok(Some(found)) if fails => Err(Refused::Exists(found).explain(&new).into()),
        Ok(Some(Found::ByIdentity(_))) => Ok(()),
        Ok(Some(Found::ByName(user))) => {
            client.warn(
                Diagnostic::warning(format!("The user \"{}\" exists and gets the identity", new.name))
                    .detail(format!(
                        "Domain {} has a user of that name ({}). Whoever logs in as {} is then that user, with the groups and \
                         roles that the user has.",
                        new.domain_id, user.id, new.link
                    ))
                    .at(at!(User, name)),
            );
            Ok(())
        }
    }
}

/// Says in a plan what becomes of a user who is given up.
async fn announce_end(state: &FederatedUser, client: &Context<Tenancy>) -> Result<()> {
    match state.end() {
        OnDestroy::Keep if state.on_destroy.is_none() => {
            client.warn(
                Diagnostic::warning(format!("The user \"{}\" stays", state.name))
                    .detail(
                        "The user was there before Terraform, and keeps the identity, groups and roles. Set `on_destroy` to \
                         \"delete\" or \"disable\", and apply that before the destroy, to have it otherwise.",
                    )
                    .at(at!(FederatedUser, on_destroy)),
            );
            Ok(())
        }
        OnDestroy::Keep => Ok(()),
        OnDestroy::Disable => refuse_own(state, at!(FederatedUser, on_destroy), client).await,
        OnDestroy::Delete => {
            client.note_leaving(&state.own_id());
            refuse_own(state, at!(FederatedUser, on_destroy), client).await
        }
    }
}

/// Refuses to delete or disable the account of this very provider.
async fn refuse_own(state: &FederatedUser, at: impl Into<Path>, client: &Tenancy) -> Result<()> {
    let login = client.login().await.explain("Cannot tell whose account this is")?;
    if login.user_id != state.own_id() {
        return Ok(());
    }
    Err(Diagnostic::error("This is the account that Terraform uses")
        .detail(format!(
            "The user \"{}\" ({}) is the one that this provider is logged in as. Deleted or disabled, it could not go on. Log in \
             as somebody else, or set `on_destroy = \"keep\"` and apply that before.",
            state.name, login.user_id
        ))
        .at(at)
        .into())
}

/// An import by id or name that does not tell which identity is meant.
fn ambiguous(user: &User, links: &[Link]) -> Diagnostic {
    let detail = match links {
        [] => format!(
            "The user \"{}\" ({}) has no identity at any identity provider. Write the resource without an import: with \
             `on_existing = \"adopt\"` it gives the user one.",
            user.name, user.id
        ),
        _ => {
            let all = links.iter().map(|link| {
                let Link { identity_provider, protocol, unique_id } = link;
                format!("\n- federated:{identity_provider}/{protocol}/{}", unique_id_of(unique_id))
            });
            format!(
                "The user \"{}\" ({}) has several identities. Import one of:{}",
                user.name,
                user.id,
                all.collect::<String>()
            )
        }
    };
    Diagnostic::error("Which identity is to be imported?").detail(detail)
}

/// `""` is none.
fn project(id: String) -> Option<String> {
    Some(id).filter(|id| !id.is_empty())
}

impl FederatedUser {
    /// A user with the first of all identities, where nobody says which is meant. `None`: there is none.
    pub async fn with_any_identity(which: Which, client: &Tenancy) -> Result<Option<Self>> {
        const SUMMARY: &str = "Cannot read the user";
        let user = client.users().get_opt(&which.id).await.explain(SUMMARY)?;
        let Some(user) = user else { return Ok(None) };
        let links = client.users().identities(&user).await.explain(SUMMARY)?;
        Ok(links.first().map(|link| Self::imported(user, link)))
    }

    fn own_id(&self) -> String {
        self.id.as_known().cloned().unwrap_or_default()
    }

    /// What a destroy does.
    fn end(&self) -> OnDestroy {
        let adopted = self.adopted.as_known().copied().unwrap_or(false);
        self.on_destroy.unwrap_or(if adopted { OnDestroy::Keep } else { OnDestroy::Delete })
    }

    /// The identity: as Keystone has it, or as it would have it.
    fn link(&self) -> Link {
        let stored = self.unique_id_stored.as_known().cloned().flatten();
        let unique_id = self.unique_id.as_known().unwrap_or(&self.name);
        Link {
            identity_provider: self.identity_provider.clone(),
            protocol: self.protocol.clone(),
            unique_id: stored.unwrap_or_else(|| stored_unique_id(unique_id)),
        }
    }

    /// The user to make or to find, and whether in any domain.
    async fn wanted(&self, client: &Tenancy) -> Result<(NewUser, bool)> {
        let domain_id = match self.domain_id.as_known() {
            Some(id) => id.clone(),
            None => client
                .users_domain_id()
                .await
                .explain_at("Cannot find the users' domain", at!(Self, domain_id))?,
        };
        let rest = UserChange {
            enabled: self.enabled,
            email: self.email.clone(),
            description: self.description.clone(),
            default_project_id: self.default_project_id.clone().map(project),
        };
        let new = NewUser { name: self.name.clone(), domain_id, link: self.link(), rest };
        Ok((new, self.domain_id.as_known().is_none()))
    }

    /// This resource with what Keystone says now, as far as it is managed. Without a link the user has lost it.
    fn seen(self, user: User, link: Option<&Link>) -> Self {
        let User { id, name, domain_id, enabled, email, description, default_project_id, .. } = user;
        let text = |managed: Option<String>, now: Option<String>| managed.map(|_| now.unwrap_or_default());
        FederatedUser {
            id: id.into(),
            name,
            domain_id: domain_id.into(),
            unique_id: self.unique_id.known().unwrap_or_else(|| self.name.clone()).into(),
            unique_id_stored: link.map(|link| link.unique_id.clone()).into(),
            enabled: self.enabled.map(|_| enabled),
            email: text(self.email, email),
            description: text(self.description, description),
            default_project_id: text(self.default_project_id, default_project_id),
            identity_provider: self.identity_provider,
            protocol: self.protocol,
            on_existing: self.on_existing,
            on_destroy: self.on_destroy,
            adopted: self.adopted,
        }
    }

    /// Everything that Keystone says: what an import takes in.
    fn imported(user: User, link: &Link) -> Self {
        let Link { identity_provider, protocol, unique_id } = link.clone();
        let all = FederatedUser {
            id: Computed::Unknown,
            name: String::new(),
            domain_id: Computed::Unknown,
            identity_provider,
            protocol,
            unique_id: unique_id_of(&unique_id).into(),
            unique_id_stored: Computed::Unknown,
            enabled: Some(true),
            email: Some(String::new()),
            description: Some(String::new()),
            default_project_id: Some(String::new()),
            on_existing: OnExisting::Adopt,
            on_destroy: None,
            adopted: true.into(),
        };
        all.seen(user, Some(link))
    }
}
