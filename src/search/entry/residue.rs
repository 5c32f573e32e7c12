//! Residues of polymers, by their codes.

/// The kind of polymer that a residue belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Protein,
    Dna,
    Rna,
    /// A base that old files use for both.
    Either,
}

/// The amino acids and their one-letter codes.
const AMINO: &str = "ALA A ARG R ASN N ASP D CYS C GLN Q GLU E GLY G HIS H ILE I LEU L LYS K MET M PHE F PRO P SER S THR T TRP W \
 TYR Y VAL V ASX B GLX Z UNK X SEC U PYL O";

/// Frequent modified residues, and the letter of the residue before modification.
const MODIFIED: &str = "MSE M FME M MHO M SME M SEP S DSN S SAC S TPO T DTH T PTR Y TYS Y DTY Y NIY Y IYR Y CSO C CSD C CSS C CSX C CME C \
 OCS C CAS C CAF C CSW C CMH C CCS C SMC C YCM C SCY C SCH C DCY C KCX K MLY K MLZ K M3L K ALY K LLP K DLY K HYP P DPR P PCA Q \
 MGN Q DGN Q CGU E DGL E FGL G SAR G AIB A ABA A DAL A ORN A NLE L NLW L MLE L DLE L MVA V DVA V IML I DIL I MEN N DSG N DAS D BFD D \
 PHD D ASA D HIC H MHS H NEP H DHI H AGM R MMO R CIR R DAR R PHI F DPN F MEA F TRO W TRQ W DTR W HTR W NH2 X ACE X";

const DNA: &str = "DA A DC C DG G DT T DU U DI I DN N 5CM C BRU U CBR C 8OG G 6OG G 5IU U";
const RNA: &str = "U U I I N N PSU U 5MU U 5MC C OMC C OMG G OMU U A2M A 1MA A MIA A 2MG G M2G G 7MG G YYG G YG G H2U U 4SU U GTP G GDP G";
const EITHER: &str = "A A C C G G";

fn letter(table: &'static str, code: &str) -> Option<char> {
    let mut words = table.split_ascii_whitespace();
    while let (Some(known), Some(letter)) = (words.next(), words.next()) {
        if known == code {
            return letter.chars().next();
        }
    }
    None
}

/// Returns the one-letter code of a residue and its kind of polymer; `None` if the code is not in these lists.
pub(super) fn known(code: &str) -> Option<(char, Made)> {
    let old = code.strip_prefix('+').unwrap_or(code);
    let protein =
        || letter(AMINO, code).or_else(|| letter(MODIFIED, code)).map(|letter| (letter, Made::Protein));
    let dna = || letter(DNA, code).or((old == "T").then_some('T')).map(|letter| (letter, Made::Dna));
    let rna = || letter(RNA, old).map(|letter| (letter, Made::Rna));
    let either = || letter(EITHER, old).map(|letter| (letter, Made::Either));
    protein().or_else(dna).or_else(rna).or_else(either)
}

/// Whether it is a modified residue, as far as these lists show.
pub(super) fn is_modified(code: &str) -> bool {
    letter(MODIFIED, code).is_some_and(|letter| letter != 'X')
}
