//! Links, devices, FIFOs, and refused types.

use super::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

fn write(path: &Path, text: &str) -> io::Result<()> {
    OutputFile::find(path)?.make_directory()?.replace(0o644, |out| out.write_all(text.as_bytes()))
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/deep/file");
    write(&path, "one").unwrap();
    let mut reader = File::open(&path).unwrap();
    for mode in [0o600, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
    }
    assert_eq!(io::read_to_string(&mut reader).unwrap(), "one", "whoever reads the old one keeps it");
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn links_stay_and_their_targets_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    symlink("sub/target", at("link")).unwrap();
    symlink("link", at("far")).unwrap();
    for text in ["made", "replaced"] {
        write(&at("far"), text).unwrap();
        assert!(at("far").is_symlink() && at("link").is_symlink() && !at("sub/target").is_symlink());
        assert_eq!(fs::read_to_string(at("sub/target")).unwrap(), text);
    }
    OutputFile::find(&at("far")).unwrap().append(b", more").unwrap();
    assert_eq!(fs::read_to_string(at("sub/target")).unwrap(), "replaced, more");
    symlink("sub/gone/target", at("dangling")).unwrap();
    write(&at("dangling"), "x").unwrap();
    assert_eq!(fs::read_to_string(at("sub/gone/target")).unwrap(), "x");
    symlink("b", at("a")).unwrap();
    symlink("a", at("b")).unwrap();
    let error = write(&at("a"), "x").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
}

#[test]
fn directories_and_sockets_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    symlink("sub", at("link")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    for name in ["sub", "link", "sub/", "none/", "sub/..", "socket"] {
        let error = OutputFile::find(&at(name)).unwrap_err().to_string();
        assert!(["it is a directory", "it is a socket"].contains(&&*error), "{name}: {error}");
    }
    assert!(OutputFile::find(Path::new("/")).is_err());
    fs::write(at("file"), "").unwrap();
    assert!(write(&at("file/below"), "x").is_err());
}

#[test]
fn a_fifo_is_written_to_if_somebody_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    fifo(&path);
    assert_eq!(write(&path, "x").unwrap_err().to_string(), "it is a FIFO without a reader");
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut text = String::new();
            File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        })
    };
    // More than fits into a pipe.
    let text = "0123456789".repeat(50_000);
    while write(&path, &text).is_err_and(|error| error.kind() == io::ErrorKind::NotConnected) {
        std::thread::yield_now();
    }
    assert_eq!(reader.join().unwrap(), text);
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

#[cfg(target_os = "linux")]
#[test]
fn devices_stay_what_they_are() {
    for (device, fits) in [("/dev/null", true), ("/dev/full", false)] {
        let device = Path::new(device);
        assert_eq!(write(device, "x").is_ok(), fits, "{device:?}");
        assert!(fs::symlink_metadata(device).unwrap().file_type().is_char_device());
    }
}

#[test]
fn a_file_that_must_be_new_is_not_written_over_nor_through_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    symlink("target", at("link")).unwrap();
    symlink("/dev/null", at("null")).unwrap();
    let create = |name: &str| OutputFile::create(&at(name), b"x");
    assert_eq!(create("link").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(!at("target").exists());
    create("target").unwrap();
    assert_eq!(create("target").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    create("null").unwrap();
    assert!(at("null").is_symlink());
}

#[cfg(target_os = "linux")]
#[test]
fn our_own_descriptors_are_nobodys_output() {
    use std::os::fd::AsRawFd;
    let dir = tempfile::tempdir().unwrap();
    let ours = File::create(dir.path().join("ours")).unwrap();
    for path in ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"] {
        let path = format!("{path}/{}", ours.as_raw_fd());
        let error = write(Path::new(&path), "x").unwrap_err().to_string();
        assert!(error.ends_with("is not open"), "{path}: {error}");
    }
    assert_eq!(ours.metadata().unwrap().len(), 0);
    assert!(OutputFile::find(Path::new("/dev/stdout")).unwrap().is_stdout());
    assert!(!OutputFile::find(Path::new("/dev/stderr")).unwrap().is_stdout());
}
