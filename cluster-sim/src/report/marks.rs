//! The marks of a picture: one shape and one colour for each step of an arbitration, one colour for each node.

use cluster_engine::ArbitrationStep;

/// There are so many colours for nodes; more nodes use them again.
const OWNER_COLOURS: usize = 8;

/// The class of the colour of a node, by its place among the nodes.
pub(super) fn owner_class(number: usize) -> String {
    format!("o{}", number % OWNER_COLOURS)
}

/// The mark of a step of an arbitration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(ArbitrationStep);

impl Mark {
    /// In the order in which they usually come.
    pub(super) const ALL: [Mark; 9] = [
        Mark(ArbitrationStep::Needed),
        Mark(ArbitrationStep::Challenge),
        Mark(ArbitrationStep::Said),
        Mark(ArbitrationStep::Won),
        Mark(ArbitrationStep::TakenOver),
        Mark(ArbitrationStep::Hosted),
        Mark(ArbitrationStep::Lost),
        Mark(ArbitrationStep::Refused),
        Mark(ArbitrationStep::Ended),
    ];

    pub(super) fn of(step: ArbitrationStep) -> Mark {
        Mark(step)
    }

    /// For the legend.
    pub(super) fn words(self) -> &'static str {
        match self.0 {
            ArbitrationStep::Needed => "its vote is needed",
            ArbitrationStep::Challenge => "challenge",
            ArbitrationStep::Said => "the device says",
            ArbitrationStep::Won => "won",
            ArbitrationStep::TakenOver => "taken over",
            ArbitrationStep::Hosted => "votes here",
            ArbitrationStep::Lost => "lost",
            ArbitrationStep::Refused => "not to be had",
            ArbitrationStep::Ended => "votes here no more",
        }
    }

    /// Class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self.0 {
            ArbitrationStep::Needed | ArbitrationStep::Challenge => "fight",
            ArbitrationStep::Said => "said",
            ArbitrationStep::Won | ArbitrationStep::TakenOver | ArbitrationStep::Hosted => "won",
            ArbitrationStep::Lost | ArbitrationStep::Refused | ArbitrationStep::Ended => "lost",
        }
    }

    /// The shape around a point.
    pub(super) fn shape(self, x: f64, y: f64) -> String {
        let path = |steps: &str| format!("<path d=\"M{x:.1} {y:.1}{steps}\"/>");
        match self.0 {
            ArbitrationStep::Needed => path("m-4 -5h8v10h-8z"),
            ArbitrationStep::Challenge => path("m0 -5l5.5 10h-11z"),
            ArbitrationStep::Said => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"),
            ArbitrationStep::Won => path("m0 -6l6 6l-6 6l-6 -6z"),
            ArbitrationStep::TakenOver => path("m-5 -4l5 4v-4l5 4l-5 4v-4l-5 4z"),
            ArbitrationStep::Hosted => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>"),
            ArbitrationStep::Lost => path("m-5 -3l2 -2l3 3l3 -3l2 2l-3 3l3 3l-2 2l-3 -3l-3 3l-2 -2l3 -3z"),
            ArbitrationStep::Refused => path("m-5 -2h10v4h-10z"),
            ArbitrationStep::Ended => {
                format!("<circle class=\"hollow\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>")
            }
        }
    }
}
