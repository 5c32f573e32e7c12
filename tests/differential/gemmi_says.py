"""Makes files of several programs' kinds below DIR, and tells what gemmi reads in every file there: one JSON object a line.

    python3 gemmi_says.py DIR

Exit code 77: gemmi is not installed.
"""

import json
import os
import random
import sys

try:
    import gemmi
except ImportError:
    sys.exit(77)


def doc_of(path):
    return gemmi.cif.read(path)


def known(text):
    """A value of CIF: without quotes, blanks joined, None if it is unknown."""
    if text is None or text in ("?", "."):
        return None
    return " ".join(gemmi.cif.as_string(text).split()) or None


def all_of(block, tag):
    return [value for value in (known(text) for text in block.find_values(tag)) if value is not None]


def unique(values):
    seen, found = set(), []
    for value in values:
        if value.lower() not in seen:
            seen.add(value.lower())
            found.append(value)
    return found


def number(text):
    try:
        return float(text.split("(")[0]) if text else None
    except ValueError:
        return None


def is_dummy(sides):
    """Lengths that stand for "no crystal"."""
    return list(sides[:3]) in ([0, 0, 0], [1, 1, 1])


def mmcif(path):
    block = doc_of(path).sole_block()
    one = lambda tag: known(block.find_value(tag))
    fine = [number(text) for tag in ("_refine.ls_d_res_high", "_em_3d_reconstruction.resolution") for text in all_of(block, tag)]
    fine = [value for value in fine if value]
    sides = [number(one("_cell." + item)) for item in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")]
    id = one("_entry.id") or block.name
    return {
        "id": id.lower(),
        "title": one("_struct.title"),
        "method": [value.lower() for value in unique(all_of(block, "_exptl.method"))],
        "resolution": min(fine) if fine else number(one("_reflns.d_resolution_high")),
        "space_group": None if is_dummy(sides) else one("_symmetry.space_group_name_H-M") or one("_space_group.name_H-M_alt"),
        "cell": None if None in sides or is_dummy(sides) else sides,
        "authors": all_of(block, "_audit_author.name"),
        "taxonomy": None,
        "chains": None,
    }


def pdb(path):
    structure = gemmi.read_pdb(path)
    structure.setup_entities()
    cell = structure.cell.parameters
    sequences = {tuple(entity.full_sequence) for entity in structure.entities if entity.full_sequence}
    chains = len([1 for line in open(path) if line.startswith("SEQRES") and line[7:10].strip() == "1"])
    return {
        "id": (structure.info["_entry.id"] if "_entry.id" in structure.info else "").lower() or None,
        # A line that ends in a hyphen is joined with the next one without a blank.
        "title": structure.info["_struct.title"].replace("- ", "-") if "_struct.title" in structure.info else None,
        "method": None,
        "resolution": structure.resolution or None,
        "space_group": None if is_dummy(cell) else structure.spacegroup_hm or None,
        "cell": None if is_dummy(cell) else list(cell),
        "authors": None,
        "taxonomy": None,
        "chains": chains or None,
        "residues": sum(len(sequence) for sequence in sequences) or None,
    }


def make(folder):
    """The entries that lie there, as gemmi writes them, and tables of values that need every way of quoting."""
    random.seed(5)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".cif.gz"):
            continue
        path, stem = os.path.join(folder, name), name.split(".")[0]
        structure = gemmi.read_structure(path)
        structure.write_pdb(os.path.join(folder, f"pdb{stem}.ent"))
        structure.make_mmcif_document().write_file(os.path.join(folder, f"{stem}-gemmi.cif"))
        document = doc_of(path)
        document.write_file(os.path.join(folder, f"{stem}-aligned.cif"), gemmi.cif.Style.Aligned)
        document.write_file(os.path.join(folder, f"{stem}-pdbx.cif"), gemmi.cif.Style.Pdbx)
    pieces = ["a", "5'", '"q"', "it's", "_x", "loop_", "data_y", "save_z", "#", ";", "?", ".", "end\nof a line", "\t", "B", "é", "1"]
    for n in range(60):
        word = lambda: " ".join(random.choice(pieces) for _ in range(random.randint(1, 5)))
        value = lambda: gemmi.cif.quote(word())
        document = gemmi.cif.Document()
        block = document.add_new_block(f"{n % 9 + 1}abc")
        if n % 3:
            block.set_pair("_entry.id", f"{n % 9 + 1}ABC")
        block.set_pair("_struct.title", value())
        block.set_pair("_exptl.method", "'SOLUTION NMR'")
        loop = block.init_loop("_audit_author.", ["pdbx_ordinal", "name"])
        for row in range(random.randint(2, 6)):
            loop.add_row([str(row), gemmi.cif.quote(f"Name{row}, " + word())])
        atoms = block.init_loop("_atom_site.", ["id", "details"])
        for row in range(random.randint(2, 50)):
            atoms.add_row([str(row), value()])
        block.set_pair("_cell.length_a", "61.0(3)")
        for item, side in zip(("length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"), (62, 63, 90, 90, 120)):
            block.set_pair("_cell." + item, str(side))
        block.set_pair("_reflns.d_resolution_high", f"{random.randint(10, 40) / 10}(2)")
        document.write_file(os.path.join(folder, f"made{n}.cif"))


def main():
    folder = sys.argv[1]
    make(folder)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        told = pdb(path) if name.endswith((".ent", ".pdb")) else mmcif(path)
        print(json.dumps({"path": name, **told}))


main()
