//! What a scenario says, after it was read and before anything happens: a list of steps.
//!
//! A script knows names, times and states, and nothing of how they come about. Whoever can play it implements
//! [`Stage`](super::Stage): the simulated world does, and a laboratory of real processes can.

use cluster_engine::quorum::Witness;
use cluster_engine::{ArbitrationStep, Millis};

/// A scenario, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The story above it, without the marks.
    pub story: Vec<String>,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
}

/// One line of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands, from 1.
    pub line: usize,
    /// As it was written, without comment.
    pub text: String,
    /// What it means.
    pub kind: StepKind,
}

/// What a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Builds the cluster; before the story begins.
    Prepare(Preparation),
    /// The story begins: its clock and its log start here.
    Begin,
    /// Lets time pass.
    Pass(Moment),
    /// Something is done.
    Act(Act),
    /// Something is asked for and must be refused with this Win32 code.
    Refused {
        /// The code.
        code: u32,
        /// What is asked.
        order: Order,
    },
    /// Waits until a condition holds.
    Until {
        /// Which.
        condition: Condition,
        /// How long at most.
        within: Millis,
    },
    /// The condition must hold now.
    Expect(Condition),
    /// The condition must not hold now.
    ExpectNot(Condition),
}

/// Something of which the cluster is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// The cluster: `n1`, `n2` and so on.
    Nodes {
        /// How many.
        count: u32,
        /// What chance is drawn from.
        seed: u64,
        /// The time of day, in minutes since midnight, at which the cluster is formed.
        clock: Option<u32>,
    },
    /// A group, offline.
    Group {
        /// Its name.
        name: String,
        /// Its first owner.
        on: String,
        /// Preferred owners in order.
        preferred: Vec<String>,
        /// Common properties.
        values: Vec<(String, String)>,
    },
    /// A resource, offline.
    Resource {
        /// Its name.
        name: String,
        /// Its group.
        group: String,
        /// Its dependency expression; empty: none.
        depends: String,
        /// Possible owners; empty: every node.
        possible: Vec<String>,
        /// Common properties.
        values: Vec<(String, String)>,
    },
    /// A quorum device: a resource in the Cluster Group that can be arbitrated for. It is online when this is done.
    Device {
        /// Its name.
        name: String,
        /// What it is.
        kind: Witness,
        /// Of a disk: how often its owner defends it. Of a share: how long one who does not own it waits.
        /// `None`: [`DISK_INTERVAL`], [`SHARE_DELAY`].
        span: Option<Millis>,
    },
}

/// How often the owner of a disk defends its reservation, when the scenario does not say. A challenger waits for more than
/// twice that long (reference 07.4).
pub const DISK_INTERVAL: Millis = Millis(150);
/// How long one who does not own the file share waits before it tries to lock it, when the scenario does not say.
pub const SHARE_DELAY: Millis = Millis(350);

/// When the next thing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// That long after the story began.
    At(Millis),
    /// That long after the last thing.
    After(Millis),
    /// The next time at which the clock shows this, in minutes since midnight.
    Clock(u32),
}

/// Something that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Asked of the cluster, which can refuse it.
    Order(Order),
    /// Done to it.
    Fault(Fault),
    /// A client writes to the cluster registry at this node. What it hears is a [`Condition::Write`].
    Write(String),
}

/// Something that an administrator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub what: Request,
    /// At which node; `None`: at one that answers, preferably in quorum.
    pub from: Option<String>,
}

/// What an administrator can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Bring a group or a resource online.
    Online {
        /// Which.
        name: String,
        /// A group: on this node.
        on: Option<String>,
    },
    /// Take a group or a resource offline.
    Offline {
        /// Which.
        name: String,
        /// A resource: terminate it.
        force: bool,
    },
    /// Move a group.
    Move {
        /// Which.
        group: String,
        /// Where to; `None`: the best node.
        to: Option<String>,
    },
    /// FailClusterResource.
    Fail {
        /// Which.
        resource: String,
    },
    /// Delete a group or a resource.
    Delete {
        /// Which.
        name: String,
        /// A group: with everything in it.
        force: bool,
    },
    /// Pause a node.
    Pause {
        /// Which.
        node: String,
        /// Move its groups away.
        drain: bool,
        /// There.
        to: Option<String>,
    },
    /// Resume a node.
    Resume {
        /// Which.
        node: String,
        /// What to do with the groups that a drain has moved away.
        failback: GoingHome,
    },
    /// Evict a node.
    Evict {
        /// Which.
        node: String,
    },
    /// Set common properties.
    Set {
        /// Of a group, a resource or a node; `None`: of the cluster.
        of: Option<String>,
        /// Names and values.
        values: Vec<(String, String)>,
    },
    /// SetClusterQuorumResource.
    Quorum(QuorumChoice),
}

/// A quorum model with its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumChoice {
    /// No witness.
    NodeMajority,
    /// Nodes and this device; what it is decides between disk and file share.
    NodeAnd(String),
    /// This disk alone.
    DiskOnly(String),
}

/// What a resume does with the groups that a drain has moved away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoingHome {
    /// They stay where they are.
    No,
    /// They come back at once.
    AtOnce,
    /// Each as its failback policy says.
    ByPolicy,
}

/// Something that happens to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something happens to the services of nodes.
    Service {
        /// What.
        what: ServiceFault,
        /// Where.
        nodes: Vec<String>,
    },
    /// A wire is cut, or mended.
    Wire {
        /// Between this node.
        a: String,
        /// And this one.
        b: String,
        /// Only what `a` says to `b`.
        one_way: bool,
        /// Cut or mended.
        cut: bool,
    },
    /// All wires are mended.
    MendAll,
    /// Wires between nodes of different sides are cut, all others are whole.
    Partition {
        /// Every node stands on one side.
        sides: Vec<Vec<String>>,
    },
    /// The way to the quorum devices is cut, or mended.
    Storage {
        /// For these nodes.
        nodes: Vec<String>,
        /// Cut or mended.
        cut: bool,
    },
    /// All wires and all ways to the quorum devices are mended. Nothing is started.
    Heal,
    /// A running resource fails by itself.
    Fail(String),
    /// From now on a resource behaves like this.
    Behave {
        /// Which.
        resource: String,
        /// How.
        manner: Manner,
    },
}

/// What happens to the Cluster service of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFault {
    /// It is killed.
    Kill,
    /// It stops running without ending.
    Freeze,
    /// It goes on after that.
    Thaw,
    /// It starts.
    Start,
    /// It is told to stop in an orderly way.
    Stop,
    /// It starts with force quorum (`/FQ`).
    Force,
    /// It starts with prevent quorum (`/PQ`).
    Prevent,
}

/// How a resource behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A call fails so many times, then works.
    Fails(Call, u32),
    /// A call never reports.
    Hangs(Call),
    /// A call takes its time.
    Takes(Call, Millis),
    /// It cannot be opened.
    CannotOpen,
    /// Everything works.
    Works,
}

/// A call to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Online.
    Online,
    /// Offline.
    Offline,
}

/// What a client hears of its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is done.
    Acknowledged,
    /// It was refused, with this code if one is named.
    Refused(Option<u32>),
    /// Nothing, in good time: whether it is done nobody knows.
    Nothing,
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Heard::Acknowledged => f.write_str("acknowledged"),
            Heard::Refused(Some(code)) => write!(f, "refused with {code}"),
            Heard::Refused(None) => f.write_str("refused"),
            Heard::Nothing => f.write_str("unanswered"),
        }
    }
}

impl Heard {
    /// Is what was heard what is looked for? A refusal without a code stands for any.
    #[must_use]
    pub fn is(self, wanted: Heard) -> bool {
        self == wanted || matches!((self, wanted), (Heard::Refused(_), Heard::Refused(None)))
    }
}

/// Something that is true of a cluster or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is under way, and nothing has happened for a while.
    Settled,
    /// A group or a resource has a state.
    State {
        /// Which.
        name: String,
        /// The word that clients see.
        state: String,
        /// And is owned by this node.
        on: Option<String>,
    },
    /// A node has a state.
    Node {
        /// Which.
        node: String,
        /// The word that clients see.
        state: String,
    },
    /// An event was told since the story began.
    Event {
        /// Its id.
        id: u32,
        /// By this node or about it.
        at: Option<String>,
        /// Exactly so often; `None`: at least once.
        times: Option<usize>,
    },
    /// A step of an arbitration was told since the story began.
    Step {
        /// Which.
        step: ArbitrationStep,
        /// By this node or about it.
        at: Option<String>,
    },
    /// These have a vote in force, and nobody else has.
    Votes {
        /// Nodes in the order in which the script names them.
        nodes: Vec<String>,
        /// The witness too.
        witness: bool,
    },
    /// The witness votes on this node; `None`: nowhere, or there is none.
    Witness {
        /// Where.
        on: Option<String>,
    },
    /// A node is in contact with a majority of the votes, or is not.
    Quorum {
        /// Which.
        node: String,
        /// Is it?
        kept: bool,
    },
    /// What the client heard that wrote last.
    Write(Heard),
    /// A resource runs in the monitors of a node, or nothing does, whatever the cluster believes.
    Runs {
        /// Where.
        node: String,
        /// What; `None`: nothing at all.
        resource: Option<String>,
    },
}
