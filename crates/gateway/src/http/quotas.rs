//! How often what may be done.
//!
//! One table of kinds; each is a setting of its own. The counts are kept on the bus, so they hold
//! over all nodes.

use std::fmt::Display;
use std::time::Duration;

use hubbub_bus::{Bus, BusError, Quota, Verdict};
use hubbub_runtime::settings::Setting;
use hubbub_runtime::settings::value::parse_duration;

use super::address::ClientAddress;

macro_rules! kinds {
    ($($(#[doc = $help:literal])* $kind:ident = $name:literal, $setting:literal, $default:literal;)*) => {
        /// What is counted, and for whom.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $help])* $kind,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its name in keys and in `RateLimit` headers.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$kind => $name,)* } }

            /// The setting that says how often.
            #[must_use]
            pub const fn setting(self) -> Setting<Quota> {
                match self {
                    $(Self::$kind => {
                        Setting::parsed($setting, WRITTEN, parse, concat!($($help, "\n",)*).trim_ascii())
                            .or($default)
                    })*
                }
            }
        }
    };
}

/// What may be written for a quota.
const WRITTEN: &str = "`COUNT/TIME`, or `BURST+COUNT/TIME`";

kinds! {
    /// Logins to one account, right or wrong. Whoever knows a user name can use it up, which delays a new login but ends no session.
    LoginAccount = "login-account", "quota_login_account", "10/1m";
    /// Logins from one address.
    LoginAddress = "login-address", "quota_login_address", "60/1m";
    /// Registrations from one address.
    RegisterAddress = "register-address", "quota_register_address", "30/1h";
    /// Token rotations from one address.
    TokenAddress = "token-address", "quota_token_address", "120/1m";
    /// Room codes tried by one account.
    JoinAccount = "join-account", "quota_join_account", "20/1m";
    /// Room codes tried from one address.
    JoinAddress = "join-address", "quota_join_address", "60/1m";
    /// Rooms that one account makes.
    CreateRoom = "create-room", "quota_create_room", "30+100/1d";
    /// Direct rooms, of two or among a few, that one account makes by opening them. Opening one that is there does not count.
    OpenDirect = "open-direct", "quota_open_direct", "50+300/1d";
    /// Files one account begins to upload, and pictures it sets of itself and of rooms.
    Upload = "upload", "quota_upload", "30+60/1m";
    /// Previews of links, and their pictures, that one account asks for.
    Preview = "preview", "quota_preview", "300+600/1m";
    /// Searches of messages by one account.
    Search = "search", "quota_search", "20+60/1m";
    /// Searches for people by one account.
    Users = "users", "quota_users", "60+300/1m";
    /// Times that one account says, over the socket, whom it watches.
    Watch = "watch", "quota_watch", "30+5/1s";
    /// Requests of one account, whatever they are.
    Requests = "requests", "quota_requests", "200+50/1s";
}

/// The limits of the HTTP API, and of what costs as much over the socket. The defaults are for a service on the open internet.
#[derive(Debug, Clone)]
pub struct Quotas {
    quotas: Vec<Quota>,
    /// How many times more the loopback address may do: 1000. Either somebody is trying things out,
    /// or a proxy on this machine is not counted in `trusted_proxies` and stands for everybody.
    pub loopback_factor: u32,
}

impl Quotas {
    /// One for each kind, as `quota` says.
    pub fn new(quota: impl FnMut(Kind) -> Quota) -> Self {
        Self { quotas: Kind::ALL.iter().copied().map(quota).collect(), loopback_factor: 1000 }
    }

    /// How often this kind may be done.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Quota {
        self.quotas[kind as usize]
    }

    /// Changes how often this kind may be done.
    pub fn set(&mut self, kind: Kind, quota: Quota) {
        self.quotas[kind as usize] = quota;
    }

    /// Counts one for `who`: at most 150 bytes, of a bounded set such as ids or valid user names.
    ///
    /// # Errors
    /// When the bus can't be asked.
    pub async fn take(
        &self,
        bus: &dyn Bus,
        kind: Kind,
        who: impl Display,
    ) -> Result<Verdict, BusError> {
        bus.take(&format!("{}:{who}", kind.name()), self.get(kind)).await
    }

    /// How often this kind may be done from an address.
    #[must_use]
    pub fn for_address(&self, kind: Kind, address: ClientAddress) -> Quota {
        let Quota { burst, every } = self.get(kind);
        let factor = if address.is_loopback() { self.loopback_factor.max(1) } else { 1 };
        Quota { burst: burst.saturating_mul(factor), every: every / factor }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(|kind| match kind.setting().about().fallback() {
            hubbub_runtime::settings::Fallback::Value(text) => {
                parse(text).expect("a test reads every default")
            }
            _ => unreachable!("every kind has a default"),
        })
    }
}

/// `10/1m`: ten at once, then ten a minute. `200+50/1s`: two hundred at once, then fifty a second.
fn parse(text: &str) -> Result<Quota, String> {
    let read = || {
        let (count, period) = text.split_once('/')?;
        let (burst, rate) = count.split_once('+').unwrap_or((count, count));
        let count =
            |text: &str| text.trim().parse().ok().filter(|count| (1..=1_000_000).contains(count));
        Some((count(burst)?, count(rate)?, parse_duration(period.trim()).ok()?))
    };
    match read() {
        Some((burst, rate, period)) if (SHORTEST..=LONGEST).contains(&period) => {
            Ok(Quota::new(burst, rate, period))
        }
        _ => Err("write how many in what time: 10/1m, or 200+50/1s for 200 at once and then 50 a \
                  second; counts up to 1 000 000, times from 1s to 1d"
            .to_owned()),
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_read_and_is_a_limit() {
        let quotas = Quotas::default();
        for kind in Kind::ALL {
            assert!(quotas.get(*kind).every > Duration::ZERO, "{kind:?}");
        }
        assert_eq!(quotas.get(Kind::LoginAccount), Quota::new(10, 10, Duration::from_secs(60)));
        assert_eq!(quotas.get(Kind::Requests), Quota::new(200, 50, Duration::from_secs(1)));
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> =
            Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn a_quota_without_a_count_or_a_time_is_refused() {
        for bad in ["", "10", "10/", "/1m", "0/1m", "10/0s", "1+0/1m", "-1/1m", "10/1w", "10/2d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
