"""The pages for givers in a real Chromium: read by axe, without JavaScript, by keyboard, on a small phone, in large
type; whatever is clicked twice, closed or mistyped."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pages import packages

packages.use()

from axe_playwright_python.sync_playwright import Axe  # noqa: E402  after the packages can be found
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright  # noqa: E402

from pages.experiment import Experiment  # noqa: E402
from running_system import RunningSystem  # noqa: E402

PHONE = {"width": 320, "height": 640}
DESK = {"width": 1100, "height": 800}
CODE = re.compile(r"([a-z]{5}-){4}\d\d")
# A folder for pictures of every page, for whoever wants to look at them.
PICTURES = os.environ.get("MAILLAGE_PAGES_PICTURES")


class Pages(RunningSystem):
    browser: Browser
    experiment: Experiment

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        driver = sync_playwright().start()
        cls.addClassCleanup(driver.stop)
        # As root there is no sandbox; the pages are our own.
        cls.browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)
        cls.experiment = Experiment(cls.instance, cls.api)
        cls.experiment.open(40)
        cls.axe = Axe()

    def context(self, **options: Any) -> BrowserContext:
        settings = {"viewport": DESK, "locale": "fr-FR"} | options
        context = self.browser.new_context(**settings)
        context.set_default_timeout(15_000)
        self.addCleanup(context.close)
        return context

    def page(self, **options: Any) -> Page:
        return self.context(**options).new_page()

    def address(self, path: str) -> str:
        return self.instance.url("feedback") + path

    def inspect(self, page: Page, name: str) -> None:
        """No rule of axe's is broken, nothing is wider than the screen, nothing comes from elsewhere."""
        if PICTURES:
            width = page.viewport_size["width"] if page.viewport_size else 0
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"), full_page=True)
        result = self.axe.run(page)
        broken = [(v["id"], [n["target"] for n in v["nodes"]]) for v in result.response["violations"]]
        self.assertEqual(broken, [], f"{name}: {broken}")
        width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        self.assertLessEqual(width, room, f"{name} scrolls sideways")
        self.assertEqual(page.context.cookies(), [])

    def assert_targets(self, page: Page, name: str) -> None:
        """Whatever is tapped is at least 44 pixels high and wide; a link within a sentence is text."""
        small = page.evaluate("""
            [...document.querySelectorAll('button, a.button, .switches a, label.level, .choice, .text, textarea')]
            .filter(element => !element.matches('.default, .skip'))
            .map(element => [element.innerText, element.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44)
            .map(([text, box]) => [text, box.width, box.height])""")
        self.assertEqual(small, [], name)

    def answer(self, page: Page, link: str, level: int = 9, comment: str = "") -> str:
        page.goto(link)
        page.check(f"#a0-{level}")
        page.fill("#comment", comment)
        page.click("button.primary")
        expect(page.locator(".code")).to_be_visible()
        return page.inner_text(".code").strip()

    def open_answer(self, page: Page, code: str, path: str = "/recu") -> None:
        page.goto(self.address(path))
        page.fill("#code", code)
        page.click("button.primary")

    # MARK: Every page

    def test_every_page_of_a_giver_passes_axe_in_both_languages_on_phone_and_desk(self) -> None:
        for language, receipt in (("fr", "/recu"), ("en", "/receipt")):
            for size in (PHONE, DESK):
                with self.subTest(language=language, width=size["width"]):
                    page = self.page(viewport=size)
                    link = f"{self.experiment.link('SUS')}?lang={language}"
                    page.goto(link)
                    self.assertEqual(page.get_attribute("html", "lang"), language)
                    self.inspect(page, f"form-{language}")
                    self.assert_targets(page, "form")
                    page.click("button.primary")
                    expect(page.locator(".faults")).to_be_focused()
                    self.inspect(page, f"faults-{language}")
                    page.click("button.secondary")
                    self.inspect(page, f"saved-{language}")
                    page.goto(link)
                    for item in range(10):
                        page.check(f"#a{item}-4")
                    page.click("button.primary")
                    self.inspect(page, f"thanks-{language}")
                    code = page.inner_text(".code").strip()
                    page.goto(link)
                    self.inspect(page, f"answered-{language}")
                    page.goto(self.address(receipt))
                    self.inspect(page, f"code-{language}")
                    self.assert_targets(page, "code")
                    page.fill("#code", "bamor-tisok")
                    page.click("button.primary")
                    expect(page.locator("#code")).to_be_focused()
                    self.inspect(page, f"code-faults-{language}")
                    self.open_answer(page, code, receipt)
                    self.inspect(page, f"answer-{language}")
                    page.click("button[value=edit]")
                    self.inspect(page, f"edit-{language}")
                    page.click("button[value=correct]")
                    self.inspect(page, f"corrected-{language}")
                    self.open_answer(page, code, receipt)
                    page.click("button[value=ask]")
                    self.inspect(page, f"ask-{language}")

    def test_a_link_that_opens_nothing_says_so(self) -> None:
        page = self.page(locale="en-GB")
        answer = page.goto(self.address("/f/" + "0" * 26))
        self.assertEqual(answer.status if answer else None, 404)
        self.assertIn("opens nothing", page.inner_text("h1"))
        self.inspect(page, "nothing")

    def test_every_instrument_fits_a_small_phone_in_twice_the_type(self) -> None:
        for instrument in ("SUS", "NPS"):
            with self.subTest(instrument=instrument):
                page = self.page(viewport=PHONE)
                page.goto(self.experiment.link(instrument))
                self.inspect(page, instrument.lower())
                self.assert_targets(page, instrument)
                # As a browser does that is told to show text twice as large.
                page.evaluate("document.documentElement.style.fontSize = '200%'")
                self.assertGreaterEqual(
                    page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"), 2 * 17)
                width, room = page.evaluate(
                    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                self.assertLessEqual(width, room, "twice the type scrolls sideways")

    def test_large_type_is_a_switch_that_keeps_what_was_entered(self) -> None:
        page = self.page(viewport=PHONE)
        page.goto(self.experiment.link("NPS"))
        before = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        page.check("#a0-7")
        page.click("text=Grand texte")
        self.assertGreater(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"), before * 1.3)
        self.assertTrue(page.is_checked("#a0-7"))
        self.inspect(page, "large")
        page.click("text=English")
        self.assertTrue(page.is_checked("#a0-7"))
        self.assertEqual(page.get_attribute("html", "lang"), "en")

    # MARK: The way through

    def test_the_whole_way_works_without_javascript(self) -> None:
        context = self.context(java_script_enabled=False, viewport=PHONE)
        page = context.new_page()
        before = self.experiment.responses()
        code = self.answer(page, self.experiment.link(), 6, "sans script")
        self.assertRegex(code, CODE)
        self.assertEqual(self.experiment.responses(), before + 1)
        self.open_answer(page, code)
        expect(page.locator("dl")).to_contain_text("sans script")
        page.click("button[value=edit]")
        page.check("#a0-8")
        page.click("button[value=correct]")
        expect(page.locator("h1")).to_have_text("Votre réponse est corrigée")
        self.open_answer(page, code)
        expect(page.locator("dd").first).to_have_text("8")

    def test_the_keyboard_alone_is_enough(self) -> None:
        page = self.page()
        page.goto(self.experiment.link())
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        for _ in range(6):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type") == "radio":
                break
        page.keyboard.press("Space")
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        self.assertTrue(page.is_checked("#a0-5"))
        page.keyboard.press("Tab")
        page.keyboard.type("au clavier")
        page.keyboard.press("Tab")
        expect(page.locator("button.primary")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".code")).to_be_visible()

    def test_enter_in_a_field_sends_and_does_not_switch_the_language(self) -> None:
        page = self.page()
        page.goto(self.experiment.link())
        page.check("#a0-2")
        page.focus("#a0-2")
        page.keyboard.press("Enter")
        expect(page.locator(".code")).to_be_visible()

    def test_a_double_click_is_one_answer(self) -> None:
        page = self.page()
        before = self.experiment.responses()
        page.goto(self.experiment.link())
        page.check("#a0-10")
        # Through the pointer: the second click comes while the first one's page is on its way.
        page.dblclick("button.primary")
        expect(page.locator(".code")).to_be_visible()
        page.reload()
        page.go_back()
        self.assertEqual(self.experiment.responses(), before + 1)

    def test_what_was_saved_is_there_after_the_browser_was_closed(self) -> None:
        link = self.experiment.link("SUS")
        first = self.context()
        page = first.new_page()
        page.goto(link)
        page.check("#a0-5")
        page.check("#a7-1")
        page.fill("#comment", "à suivre")
        page.click("button.secondary")
        expect(page.locator("h1")).to_have_text("C’est enregistré")
        first.close()
        page = self.page(java_script_enabled=False)
        page.goto(link)
        self.assertTrue(page.is_checked("#a0-5") and page.is_checked("#a7-1"))
        self.assertEqual(page.input_value("#comment"), "à suivre")

    def test_faults_are_linked_to_their_fields_and_nothing_is_lost(self) -> None:
        page = self.page()
        page.goto(self.experiment.link("SUS"))
        page.check("#a2-4")
        page.fill("#comment", "x" * 4_010)
        page.click("button.primary")
        expect(page.locator(".faults li")).to_have_count(10)
        self.assertTrue(page.title().startswith("Erreur : "))
        self.assertTrue(page.is_checked("#a2-4"))
        self.assertEqual(len(page.input_value("#comment")), 4_010)
        page.click("text=Question 4")
        expect(page.locator("#a3-1")).to_be_focused()

    def test_a_mistyped_code_is_told_from_an_unknown_one(self) -> None:
        page = self.page()
        code = self.answer(page, self.experiment.link())
        wrong = ("d" if code[0] != "d" else "b") + code[1:]
        self.open_answer(page, wrong)
        expect(page.locator(".error")).to_contain_text("Une lettre ou un chiffre ne va pas")
        self.assertEqual(page.input_value("#code"), wrong)
        self.open_answer(page, "babab-babab-babab-babab-00")
        expect(page.locator(".error")).to_contain_text("Aucune réponse")
        # As somebody types it who was told it by telephone.
        self.open_answer(page, code.replace("-", " ").upper())
        expect(page.locator("dl")).to_be_visible()

    def test_an_answer_is_taken_back_with_the_code(self) -> None:
        page = self.page(java_script_enabled=False)
        code = self.answer(page, self.experiment.link(), 1)
        before = self.experiment.responses()
        self.open_answer(page, code, "/receipt")
        page.click("button[value=ask]")
        page.click("button[value=withdraw]")
        expect(page.locator("h1")).to_have_text("Your answer is withdrawn")
        self.assertEqual(self.experiment.responses(), before - 1)
        self.open_answer(page, code, "/receipt")
        expect(page.locator(".lead")).to_contain_text("no longer counted")

    # MARK: The site's answers, and volunteers

    def test_what_the_site_answers_is_read_behind_the_link(self) -> None:
        link = self.experiment.link()
        path = f"/v1/experiments/{self.experiment.id}/answers"
        body = {"theme": "readability", "textFr": "Les boutons sont plus grands.", "textEn": "The buttons are larger."}
        self.api.call(self.experiment.manager, "feedback", "POST", path, body)
        for address, text in ((f"{link}/reponses", "Les boutons"), (f"{link}/answers", "The buttons")):
            page = self.page(viewport=PHONE)
            page.goto(address)
            expect(page.locator(".said")).to_contain_text(text)
            self.inspect(page, address.rpartition("/")[2])

    def test_somebody_volunteers_and_leaves_without_javascript_and_axe_has_no_objection(self) -> None:
        path = f"/v1/experiments/{self.experiment.id}/volunteering"
        body = {"kind": "codesign", "titleFr": "Atelier pilulier à Lille", "titleEn": "Pill box workshop in Lille"}
        self.api.call(self.experiment.manager, "feedback", "POST", path, body)
        for address, language in (("/participer", "fr"), ("/take-part", "en")):
            page = self.page(viewport=PHONE)
            page.goto(self.address(address))
            self.inspect(page, f"volunteer-{language}")
            self.assert_targets(page, "volunteer")
            page.click("button.primary")
            expect(page.locator(".faults")).to_be_focused()
            self.inspect(page, f"volunteer-faults-{language}")
        page = self.page(java_script_enabled=False)
        page.goto(self.address("/take-part"))
        page.check("input[name=opening] >> nth=0")
        page.fill("#contact", "robin@example.org")
        page.check("#consent")
        page.click("button.primary")
        code = page.inner_text(".code").strip()
        people = self.api.get(self.experiment.manager, "feedback", path).body["items"]
        self.assertEqual([person["contact"] for person in people], ["robin@example.org"])
        page = self.page(viewport=PHONE)
        page.goto(self.address("/take-part/leave"))
        self.inspect(page, "leave")
        page.fill("#code", code)
        page.click("button.primary")
        self.inspect(page, "left")
        self.assertEqual(self.api.get(self.experiment.manager, "feedback", path).body["items"], [])
