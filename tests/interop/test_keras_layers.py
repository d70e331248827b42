"""Which of Keras's layers are there, and that docs/from-keras.md names all others."""
import re


def test_layers_that_are_not_there_are_named(source_dir):
    import keras

    here = set()
    for header in (source_dir / "include/strata").rglob("*.h"):
        text = header.read_text(encoding="utf-8")
        here.update(re.findall(r"class STRATA_API (\w+)", text))
        here.update(re.findall(r"^using (\w+) =", text, re.M))
        here.update(re.findall(r"^STRATA_API Tensor (Input)\(", text, re.M))
    public = {name for name in dir(keras.layers) if name[0].isupper()}
    page = (source_dir / "docs/from-keras.md").read_text(encoding="utf-8")
    listed = re.search(r"<!-- layers -->\n(.*?)<!-- end -->", page, re.S).group(1)
    named = set(re.findall(r"`(\w+)`", listed))
    assert named == public - here
