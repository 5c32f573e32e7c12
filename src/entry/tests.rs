use super::*;

#[test]
fn show() {
    for f in std::fs::read_dir("/work/shared/corpus").unwrap() {
        let p = f.unwrap().path();
        let name = p.file_name().unwrap().to_str().unwrap().to_owned();
        let r = read(&name, std::fs::File::open(&p).unwrap(), &Options::default(), &mut |e| eprintln!("{name} {e:#?}"));
        eprintln!("{r:?}");
    }
}
