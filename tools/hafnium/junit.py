"""A test report as JUnit XML, for CI."""

from __future__ import annotations

from xml.etree import ElementTree

from hafnium.verify import Report


def junit(report: Report) -> str:
    """One test case per rule and engine; its differences are the failure's text. An engine that
    is not installed is one skipped case."""
    suites = ElementTree.Element("testsuites", name="hafnium")
    for engine in report.engines:
        rules = [rule for rule in report.rules if rule.output]
        failed = [rule for rule in rules if report.cell(rule.id, engine).wrong]
        suite = ElementTree.SubElement(
            suites, "testsuite", name=engine, tests=str(len(rules)), failures=str(len(failed))
        )
        for rule in rules:
            case = ElementTree.SubElement(suite, "testcase", classname=engine, name=rule.name)
            texts = [
                str(difference)
                for difference in report.differences
                if difference.rule == rule.name and difference.engine.split("/")[0] == engine
            ]
            if texts:
                failure = ElementTree.SubElement(case, "failure", message=_clean(texts[0]))
                failure.text = _clean("\n".join(texts))
    for engine, reason in report.skipped.items():
        suite = ElementTree.SubElement(suites, "testsuite", name=engine, tests="1", skipped="1")
        case = ElementTree.SubElement(suite, "testcase", classname=engine, name="all rules")
        ElementTree.SubElement(case, "skipped", message=_clean(reason))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(c for c in text if c in "\t\n" or c.isprintable())
