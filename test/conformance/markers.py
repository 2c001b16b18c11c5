"""Notes every test's markers in pytest's report."""


def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties.append(("markers", " ".join(sorted({mark.name for mark in item.iter_markers()}))))
