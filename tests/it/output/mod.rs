//! What commands print, whatever the names that they meet, and wherever it goes.

mod hostile;
mod unwritable;

use crate::support::{Env, Fake};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A name with all that steers a terminal or the text around it: the title is set, what is written turns round, nothing is shown,
/// the line begins anew, a control character of eight bits, bytes that are no UTF-8, a colour.
pub(super) const NAME: &[u8] =
    b"x\x1b]0;owned\x07\xe2\x80\xae\xe2\x80\x8b\r\xc2\x9b5m\xff\x1b[5m\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x81\x81y";

/// The same where only text can be.
pub(super) fn text() -> String {
    String::from_utf8_lossy(NAME).into_owned()
}

/// What a command is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What it prints.
    Product,
    /// Something else that is to be done in any case.
    Work,
    /// Jobs, whose results count.
    Jobs,
}

/// A home where everything has such a name, and the commands that meet it, in an order that makes sense.
pub(super) struct Scene {
    pub(super) env: Env,
    _fake: Fake,
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn os(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

impl Scene {
    pub(super) fn new() -> Self {
        let hex: String = NAME.iter().map(|byte| format!("{byte:02x}")).collect();
        let fake = Fake::new(&format!(
            "raw {hex} 0a\nerr {}\nraw {hex} 0a\nstats 3 1 0\n",
            text().replace('\r', "")
        ));
        let env = Env::new().with_fake(&fake);
        let name = quoted(&text());
        let config = format!(
            "version = 1\n[defaults]\nroot = 'mirror'\nretries = 0\nmin_free = '0'\n[jobs.j]\nsource = {url}\ndest = {name}\n\
             description = {name}\ntags = [{name}]\nbefore = [[\"printf\", {said}]]\n\
             [[clean.rules]]\nname = {name}\npattern = '**/*.old'\naction = 'delete'\nmin_age = '1h'\nreason = {name}\n",
            url = quoted(&format!("rsync://h/{}/", text())),
            said = quoted(&(text() + "\n")),
        );
        let scene = Scene { env: env.with_config(&config), _fake: fake };
        for tree in [scene.mirror(), scene.sound()] {
            fs::create_dir_all(tree.join(os(NAME)).join("below")).unwrap();
            let entry = format!(
                "data_1ABC\n_entry.id 1ABC\n_struct.entry_id 1ABC\n_struct.title 'CAPSID {}'\n",
                text().replace(char::is_control, "")
            );
            fs::write(tree.join(os(&[NAME, b".cif"].concat())), entry).unwrap();
            let old = File::create(tree.join(os(NAME)).join(os(&[NAME, b".old"].concat()))).unwrap();
            old.set_modified(SystemTime::now() - Duration::from_secs(400 * 86_400)).unwrap();
        }
        fs::write(scene.mirror().join(os(&[NAME, b".gz"].concat())), b"\x1f\x8b no gzip file").unwrap();
        scene
    }

    /// The mirror of the job, with a file that is damaged.
    pub(super) fn mirror(&self) -> PathBuf {
        self.env.mirror("").join(text())
    }

    /// A tree of the same names in which nothing is damaged.
    pub(super) fn sound(&self) -> PathBuf {
        self.env.dir().join(format!("sound {}", text()))
    }

    /// The commands, in an order in which each has something to print.
    pub(super) fn commands(&self) -> Vec<(Kind, Vec<OsString>)> {
        use Kind::{Jobs, Product, Work};
        let (mirror, sound) = (self.mirror(), self.sound());
        let below = mirror.join(os(NAME));
        let other = self.env.dir().join(os(&[NAME, b".toml"].concat()));
        fs::copy(self.env.config(), &other).unwrap();
        let mut all: Vec<(Kind, Vec<OsString>)> = Vec::new();
        let mut add = |kind: Kind, args: &[&dyn AsRef<OsStr>]| {
            all.push((kind, args.iter().map(|arg| arg.as_ref().to_owned()).collect()));
        };
        add(Jobs, &[&"sync", &"j"]);
        add(Jobs, &[&"sync", &"j", &"-v", &"--plan"]);
        add(Jobs, &[&"sync", &"j", &"--json"]);
        add(Jobs, &[&"sync", &"j", &"--github"]);
        add(Product, &[&"sync", &"j", &"--print-command"]);
        add(Product, &[&"list"]);
        add(Product, &[&"list", &"--json"]);
        add(Product, &[&"history"]);
        add(Product, &[&"history", &"show", &"last"]);
        add(Product, &[&"stats"]);
        add(Product, &[&"status"]);
        add(Product, &[&"doctor", &"--offline"]);
        add(Product, &[&"mirrors"]);
        add(Product, &[&"mirrors", &"--json"]);
        add(Work, &[&"reclaim", &"j"]);
        add(Work, &[&"scan", &mirror, &"--tree", &"--check-names", &"--check-gzip"]);
        add(Work, &[&"scan", &"j", &sound]);
        add(Product, &[&"scan", &mirror, &"--list"]);
        add(Product, &[&"scan", &mirror, &"--list", &"--json"]);
        add(Work, &[&"scan", &"--full", &"--diff", &sound]);
        add(Product, &[&"scan", &"--cache"]);
        add(Work, &[&"verify", &"j"]);
        add(Work, &[&"verify", &sound]);
        #[cfg(feature = "search")]
        {
            add(Work, &[&"index", &"j", &sound, &"--rebuild"]);
            for how in ["--ids", "--paths", "--json", "--format={path}\\t{file} {title}", "--facets=kind"] {
                add(Product, &[&"search", &"capsid", &how]);
            }
            add(Product, &[&"search", &"capsid", &"--paths", &"-0"]);
            add(Product, &[&"index", &"list"]);
            add(Product, &[&"index", &"where", &sound]);
            add(Work, &[&"index", &"remove", &sound, &"--yes"]);
        }
        add(Product, &[&"clean", &"rules"]);
        add(Work, &[&"clean", &"plan", &"j"]);
        add(Product, &[&"clean", &"show"]);
        for how in ["csv", "nul", "rsync"] {
            add(Product, &[&"clean", &"show", &"--export", &how]);
        }
        add(Product, &[&"clean", &"verify"]);
        add(Product, &[&"clean", &"explain", &below.join(os(&[NAME, b".old"].concat()))]);
        add(Work, &[&"clean", &"run", &"--mode", &"dry-run"]);
        add(Work, &[&"clean", &"run", &"--yes"]);
        add(Product, &[&"clean", &"log"]);
        add(Product, &[&"clean", &"log", &"-v"]);
        add(Product, &[&"clean", &"log", &"last"]);
        add(Work, &[&"clean", &"undo", &"last"]);
        add(Work, &[&"clean", &"purge", &mirror]);
        add(Product, &[&"config", &"show", &"--origin"]);
        add(Product, &[&"config", &"path", &"-c", &other]);
        add(Product, &[&"config", &"check", &"-c", &other]);
        add(Product, &[&"config", &"schema"]);
        add(Product, &[&"completions", &"bash"]);
        add(Product, &[&"--help"]);
        add(Product, &[&"--version"]);
        all
    }
}

/// Those that print next to nothing on standard output; [`hostile`] has them on its own.
const ELSEWHERE: [&str; 2] = ["clean edit", "config init"];

#[test]
fn every_command_is_among_them() {
    use clap::CommandFactory;
    let scene = Scene::new();
    let known: Vec<String> = scene
        .commands()
        .iter()
        .map(|(_, args)| {
            args.iter().take(2).map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ") + " "
        })
        .collect();
    for command in pdb_sync::cli::Cli::command().get_subcommands() {
        let name = command.get_name();
        let mut names: Vec<_> =
            command.get_subcommands().map(|sub| format!("{name} {}", sub.get_name())).collect();
        if names.is_empty() {
            names.push(name.to_owned());
        }
        for name in names {
            let listed = known.iter().any(|known| known.starts_with(&format!("{name} ")));
            let built =
                cfg!(feature = "search") || !matches!(name.split(' ').next(), Some("index" | "search"));
            assert!(listed || !built || ELSEWHERE.contains(&name.as_str()), "{name}");
        }
    }
}
