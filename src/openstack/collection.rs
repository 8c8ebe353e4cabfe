//! Objects of one kind that are read in bulk: many reads become one list.
//!
//! A caller that refreshes hundreds of objects asks for one after the other, a few at a time. The first reads go one by
//! one, since a caller may have no more than these; the next one lists, reads that come meanwhile wait for that list, and
//! later ones are answered from it. A list may be of a part, such as a domain. A copy is used for a minute: long enough
//! for such a caller, and short enough that what others change is seen. Our own writes count at once: what we wrote, or
//! forgot because we don't know what came of a write, wins over any list that was begun before.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{Error, Result};

/// How long a copy is used.
const FRESH: Duration = Duration::from_secs(60);

/// Values by key, kept for a while. The calls that read them are given with each read: they belong to a handle that
/// may be cancelled, and the collection to all handles.
pub(crate) struct Collection<K, V> {
    fresh: Duration,
    /// So many values are read one by one before a list is worth it.
    singles: usize,
    state: Mutex<State<K, V>>,
    /// Held by the one who lists.
    listing: tokio::sync::Mutex<()>,
}

/// What a list gave.
pub(crate) enum Listed<K, V> {
    /// Everything: what isn't in it has no value.
    All(BTreeMap<K, V>),
    /// A part. What isn't in it is looked for singly, or in other parts.
    Part(BTreeMap<K, V>),
    /// All that can be listed. What isn't in it is looked for singly.
    Rest(BTreeMap<K, V>),
    /// Nothing: this kind can't be listed, or no more of it than before.
    Refused,
}

struct State<K, V> {
    lists: Vec<List<K, V>>,
    /// It can't be listed.
    refused: bool,
    /// What was read singly or written, and when. No value: it was written, and what is there now is unknown.
    rows: BTreeMap<K, (Instant, Option<V>)>,
    /// How many were read singly since the last list.
    read_singly: usize,
    /// What was begun before this is no longer true.
    cleared: Option<Instant>,
    /// The last list that failed: everyone who waited for it is told.
    failed: Option<(Instant, Error)>,
}

struct List<K, V> {
    begun: Instant,
    rows: BTreeMap<K, V>,
    /// What isn't in it has no value.
    all: bool,
    /// There is nothing more to list.
    last: bool,
}

/// What the kept copies say of a key.
enum Known<V> {
    Value(V),
    /// A list has everything, and not this.
    Absent,
    /// Only a single read can tell.
    Ask,
    /// Nobody has looked.
    Nothing,
}

impl<K: Ord + Clone, V: Clone> Default for Collection<K, V> {
    fn default() -> Self {
        Self::new(FRESH, 0)
    }
}

impl<K: Ord + Clone, V: Clone> Collection<K, V> {
    /// Copies are used for `fresh`; `singles` values are read one by one before the first list.
    pub fn new(fresh: Duration, singles: usize) -> Self {
        let state = State {
            lists: Vec::new(),
            refused: false,
            rows: BTreeMap::new(),
            read_singly: 0,
            cleared: None,
            failed: None,
        };
        Self { fresh, singles, state: Mutex::new(state), listing: tokio::sync::Mutex::default() }
    }

    /// One that lists only after so many single reads.
    pub fn listing_after(singles: usize) -> Self {
        Self::new(FRESH, singles)
    }

    /// The value of a key: from a copy, or by `list`, or by `single` where a list can't tell. `list` is told how many
    /// parts were listed already, of which none has the key. `None` as the result says that a list of everything or the
    /// single read has no such key.
    pub async fn get(
        &self,
        key: &K,
        list: impl AsyncFnOnce(usize) -> Result<Listed<K, V>>,
        single: impl AsyncFnOnce() -> Result<Option<V>>,
    ) -> Result<Option<V>> {
        let mut known = self.known(key, self.fresh);
        if matches!(known, Known::Nothing) {
            let since = Instant::now();
            let _turn = self.listing.lock().await;
            // Somebody else may have listed while we waited.
            known = self.known(key, self.fresh);
            if matches!(known, Known::Nothing) {
                let parts = {
                    let state = self.state();
                    if let Some((at, why)) = &state.failed
                        && *at >= since
                    {
                        return Err(why.clone());
                    }
                    state.lists.len()
                };
                let begun = Instant::now();
                match list(parts).await {
                    Ok(listed) => self.state().take(begun, listed),
                    Err(why) => {
                        self.state().failed = Some((Instant::now(), why.clone()));
                        return Err(why);
                    }
                }
                // However long it took.
                known = match self.known(key, Duration::MAX) {
                    Known::Nothing => Known::Ask,
                    other => other,
                };
            }
        }
        match known {
            Known::Value(it) => Ok(Some(it)),
            Known::Absent => Ok(None),
            Known::Ask | Known::Nothing => {
                let begun = Instant::now();
                let it = single().await?;
                let mut state = self.state();
                // What was written meanwhile is newer.
                if it.is_some()
                    && state.holds_since(begun)
                    && state.rows.get(key).is_none_or(|(at, _)| *at < begun)
                {
                    state.rows.insert(key.clone(), (begun, it.clone()));
                }
                Ok(it)
            }
        }
    }

    /// We wrote a value.
    pub fn wrote(&self, key: K, value: V) {
        self.state().rows.insert(key, (Instant::now(), Some(value)));
    }

    /// We wrote something, and what is there now is unknown.
    pub fn forget(&self, key: K) {
        self.state().rows.insert(key, (Instant::now(), None));
    }

    /// Everything may be different now, also from what reads under way will say.
    pub fn clear(&self) {
        let mut state = self.state();
        state.lists.clear();
        state.rows.clear();
        state.cleared = Some(Instant::now());
    }

    /// What copies that are younger than `fresh` say of a key.
    fn known(&self, key: &K, fresh: Duration) -> Known<V> {
        let mut state = self.state();
        state.lists.retain(|it| it.begun.elapsed() < fresh);
        let all = state.lists.iter().rev().find(|it| it.all);
        let listed = state.lists.iter().rev().find(|it| it.rows.contains_key(key)).or(all);
        if let Some((at, row)) = state.rows.get(key)
            && listed.is_none_or(|it| *at >= it.begun)
        {
            match row {
                Some(it) if at.elapsed() < fresh => return Known::Value(it.clone()),
                Some(_) => {}
                None => return Known::Ask,
            }
        }
        if let Some(it) = listed {
            return it.rows.get(key).map_or(Known::Absent, |it| Known::Value(it.clone()));
        }
        if state.refused || state.lists.iter().any(|it| it.last) {
            return Known::Ask;
        }
        if state.read_singly < self.singles {
            state.read_singly += 1;
            return Known::Ask;
        }
        Known::Nothing
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord, V> State<K, V> {
    /// Whether what was begun then is still true.
    fn holds_since(&self, begun: Instant) -> bool {
        self.cleared.is_none_or(|it| it < begun)
    }

    /// Takes in what a list gave that was begun then.
    fn take(&mut self, begun: Instant, listed: Listed<K, V>) {
        if !self.holds_since(begun) {
            return;
        }
        let (rows, all, last) = match listed {
            Listed::All(rows) => (rows, true, true),
            Listed::Rest(rows) => (rows, false, true),
            Listed::Part(rows) => (rows, false, false),
            Listed::Refused => {
                match self.lists.last_mut() {
                    Some(list) => list.last = true,
                    None => self.refused = true,
                }
                return;
            }
        };
        self.rows.retain(|key, (at, _)| *at >= begun || !(all || rows.contains_key(key)));
        self.read_singly = 0;
        self.lists.push(List { begun, rows, all, last });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures_util::future::join_all;

    use super::*;

    /// A service that counts what it is asked.
    #[derive(Default)]
    struct Service {
        rows: Mutex<BTreeMap<u8, &'static str>>,
        lists: AtomicUsize,
        singles: AtomicUsize,
        /// Whether it can list.
        unlisted: bool,
        /// A list has ten keys, and there are so many lists. 0: one list has everything.
        part: usize,
        /// Whether lists fail.
        broken: bool,
    }

    impl Service {
        fn of(rows: &[(u8, &'static str)]) -> Self {
            Self { rows: Mutex::new(rows.iter().copied().collect()), ..Default::default() }
        }

        async fn list(&self, parts: usize) -> Result<Listed<u8, &'static str>> {
            self.lists.fetch_add(1, SeqCst);
            let rows = self.rows.lock().unwrap().clone();
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.broken {
                return Err(Error::Cancelled { doing: "list".into() });
            }
            Ok(match self.part {
                _ if self.unlisted => Listed::Refused,
                0 => Listed::All(rows),
                most if parts < most => Listed::Part(
                    rows.into_iter().filter(|(key, _)| usize::from(*key) / 10 == parts).collect(),
                ),
                _ => Listed::Refused,
            })
        }

        async fn single(&self, key: u8) -> Result<Option<&'static str>> {
            self.singles.fetch_add(1, SeqCst);
            Ok(self.rows.lock().unwrap().get(&key).copied())
        }

        async fn get(&self, all: &Collection<u8, &'static str>, key: u8) -> Result<Option<&'static str>> {
            all.get(&key, |parts| self.list(parts), || self.single(key)).await
        }

        fn calls(&self) -> (usize, usize) {
            (self.lists.load(SeqCst), self.singles.load(SeqCst))
        }
    }

    #[tokio::test]
    async fn many_reads_are_one_list() {
        let (service, all) = (Service::of(&[(1, "a"), (2, "b")]), Collection::default());
        let found = join_all((0..100).map(|n| service.get(&all, n % 3))).await;
        assert_eq!(found[1].as_ref().unwrap(), &Some("a"));
        assert_eq!(found[0].as_ref().unwrap(), &None);
        // And those that come later.
        assert_eq!(service.get(&all, 2).await.unwrap(), Some("b"));
        assert_eq!(service.calls(), (1, 0));
    }

    #[tokio::test]
    async fn what_we_wrote_wins_over_a_list_under_way() {
        let (service, all) = (Service::of(&[(1, "old"), (2, "old")]), Collection::default());
        let write = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            service.rows.lock().unwrap().extend([(1, "new"), (2, "other")]);
            all.wrote(1, "new");
            all.forget(2);
        };
        tokio::join!(service.get(&all, 3), write).0.unwrap();
        assert_eq!(service.get(&all, 1).await.unwrap(), Some("new"));
        assert_eq!(service.get(&all, 2).await.unwrap(), Some("other"));
        assert_eq!(service.get(&all, 2).await.unwrap(), Some("other"));
        assert_eq!(service.calls(), (1, 1), "what is unknown is asked for once");
    }

    #[tokio::test]
    async fn a_list_under_way_does_not_outlive_a_clearing() {
        let (service, all) = (Service::of(&[(1, "old"), (2, "old")]), Collection::default());
        let write = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            service.rows.lock().unwrap().extend([(1, "new"), (2, "new")]);
            all.clear();
        };
        let read = tokio::join!(service.get(&all, 1), write).0;
        assert_eq!(read.unwrap(), Some("new"));
        assert_eq!(service.get(&all, 2).await.unwrap(), Some("new"));
    }

    #[tokio::test]
    async fn a_copy_gets_old() {
        for (fresh, seen, lists) in [(FRESH, "a", 1), (Duration::ZERO, "b", 2)] {
            let (service, all) = (Service::of(&[(1, "a")]), Collection::new(fresh, 0));
            service.get(&all, 1).await.unwrap();
            all.wrote(1, "a");
            service.rows.lock().unwrap().insert(1, "b");
            assert_eq!(service.get(&all, 1).await.unwrap(), Some(seen));
            assert_eq!(service.calls(), (lists, 0));
        }
    }

    #[tokio::test]
    async fn few_reads_need_no_list() {
        let (service, all) = (Service::of(&[(1, "a"), (2, "b"), (3, "c")]), Collection::listing_after(2));
        for key in [1, 1, 2, 1, 3, 3, 2] {
            assert!(service.get(&all, key).await.unwrap().is_some());
        }
        assert_eq!(service.calls(), (1, 2));
    }

    #[tokio::test]
    async fn what_a_part_lacks_is_looked_for_elsewhere() {
        let rows: Vec<_> = (0..30).map(|key| (key, "a")).collect();
        let (mut service, all) = (Service::of(&rows), Collection::listing_after(2));
        service.part = 2;
        for round in 0..2 {
            assert!(
                join_all((0..31).map(|n| service.get(&all, n))).await.iter().flatten().flatten().count()
                    == 30
            );
            // Two singly before each list, and then those of the part that can't be listed; once each, but for the one
            // that isn't there.
            assert_eq!(service.calls(), (3, 2 + 2 + 2 + 9 + round), "round {round}");
        }
        let mut service = Service::of(&rows);
        service.part = 1;
        let all = Collection::default();
        service.get(&all, 1).await.unwrap();
        service.rows.lock().unwrap().insert(1, "b");
        all.forget(1);
        assert_eq!(service.get(&all, 1).await.unwrap(), Some("b"), "our own write");
        assert_eq!(service.get(&all, 20).await.unwrap(), Some("a"), "a part proves nothing");
        assert_eq!(service.calls(), (2, 2));
    }

    #[tokio::test]
    async fn what_can_not_be_listed_is_read_once_each() {
        let (mut service, all) = (Service::of(&[(1, "a"), (2, "b")]), Collection::default());
        service.unlisted = true;
        for key in [1, 2, 1, 2, 3, 3] {
            assert_eq!(service.get(&all, key).await.unwrap().is_some(), key < 3);
        }
        assert_eq!(service.calls(), (1, 4), "what isn't there may come to be");
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_waited() {
        let (mut service, all) = (Service::of(&[(1, "a")]), Collection::default());
        service.broken = true;
        assert!(join_all((0..10).map(|n| service.get(&all, n))).await.iter().all(Result::is_err));
        assert_eq!(service.calls(), (1, 0));
        service.broken = false;
        assert_eq!(service.get(&all, 1).await.unwrap(), Some("a"));
        all.clear();
        assert_eq!(service.get(&all, 1).await.unwrap(), Some("a"));
        assert_eq!(service.calls().0, 3);
    }
}
