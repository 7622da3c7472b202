"""What the model says of the open picture, why, and where in it."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.icons import icon
from gui.panels.controls import Button, CheckBox, Slider
from gui.panels.score_scale import ScoreScale
from gui.session import Session
from gui.texts import Texts
from keras_detector.detector import Prediction
from keras_detector.explain import COLOURS
from keras_detector.labels import Label, Verdict
from keras_detector.strictness import cost, threshold_for

VERDICT_COLOURS = {
    Verdict.REAL: theme.REAL,
    Verdict.FAKE: theme.FAKE,
    Verdict.UNDETERMINED: theme.UNDETERMINED,
}
"""Of icon and words of each verdict."""


class VerdictPanel(ctk.CTkFrame):
    """The card with the verdict.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        session: whose picture it is.
        changed: called when the heatmap's switch or its opacity was changed.
        save: saves the verdict.
    """

    def __init__(
        self,
        master: Any,
        texts: Texts,
        session: Session,
        changed: Callable[[], object],
        save: Callable[[], object],
    ) -> None:
        super().__init__(master)
        self._texts, self._session = texts, session
        pad = theme.GAP * 2
        top = ctk.CTkFrame(self, fg_color="transparent")
        top.pack(fill="x", padx=pad, pady=(pad, 0))
        self._sign = ctk.CTkLabel(top, text="", width=44)
        self._sign.pack(side="left", anchor="n")
        words = ctk.CTkFrame(top, fg_color="transparent")
        words.pack(side="left", padx=(theme.GAP * 1.5, 0), fill="x", expand=True)
        self.verdict = self._label(words, theme.LARGE, bold=True, width=theme.TEXT_WIDTH - 56)
        self.verdict.pack(fill="x")
        self.score = self._label(words, theme.NORMAL, muted=True)
        self.reasons = self._label(self, theme.NORMAL)
        self.scale = ScoreScale(
            self, texts("verdict.end_real"), texts("verdict.end_fake"), texts("verdict.score_hint")
        )
        self.scale.pack(fill="x", padx=pad, pady=(theme.GAP, 0))
        self.enhanced = self._label(self, theme.SMALL)
        self.cost = self._label(self, theme.SMALL, muted=True)
        self.cost.pack(fill="x", padx=pad, pady=(6, 0))
        self.heatmap = CheckBox(self, texts("picture.heatmap"), changed)
        self.heatmap.pack(fill="x", padx=pad - 5, pady=(theme.GAP, 0))
        self._below = ctk.CTkFrame(self, fg_color="transparent")
        self._add_opacity(changed)
        self.save = Button(
            self,
            texts("save.report"),
            save,
            tip=f"{texts('shortcut.save_verdict')}  ({shortcuts.text_of('save_verdict')})",
        )
        self.save.pack(fill="x", padx=pad, pady=(theme.GAP * 1.5, pad))
        self.show()

    def show(self) -> None:
        """Show the session's state."""
        opened = self._session.picture
        examination = opened.examination if opened else None
        prediction = self._session.decide(examination) if examination else None
        card = self._session.model.card
        if prediction is not None:
            self._head(
                prediction.verdict.value, VERDICT_COLOURS[prediction.verdict], prediction.verdict
            )
        elif opened is None:
            self._head("picture", theme.MUTED, "none")
        elif opened.error is not None:
            key = "unreadable" if opened.picture is None else "no_verdict"
            self._head("error", theme.ERROR, key)
        else:
            self._head("undetermined", theme.LINE, "waiting" if card else "loading")
        self._show_reasons(prediction)
        self._show_score(prediction)
        self._show_cost()
        ready = "normal" if prediction is not None else "disabled"
        self.save.configure(state=ready)
        self.heatmap.box.configure(state=ready)
        self.show_heatmap_settings()

    def show_heatmap_settings(self) -> None:
        """Show the heatmap's settings while it is switched on."""
        if self.heatmap.is_on:
            self._below.pack(fill="x", padx=theme.GAP * 2, after=self.heatmap)
        else:
            self._below.pack_forget()

    @property
    def opacity(self) -> float:
        """Of the heatmap, 0 to 1."""
        return float(self.opacity_slider.slider.get())

    def _label(
        self,
        master: Any,
        size: int,
        *,
        bold: bool = False,
        muted: bool = False,
        width: int = theme.TEXT_WIDTH,
    ) -> Any:
        return ctk.CTkLabel(
            master,
            text="",
            font=theme.font(size, bold=bold),
            text_color=theme.MUTED if muted else theme.TEXT,
            wraplength=width,
            justify="left",
            anchor="w",
            height=20,
        )

    def _add_opacity(self, changed: Callable[[], object]) -> None:
        texts = self._texts
        words = ctk.CTkLabel(self._below, text=texts("picture.opacity"), font=theme.font())
        words.grid(row=0, column=0, sticky="w")
        self.opacity_slider = Slider(self._below, 0.0, 1.0, 0.05, lambda _: changed())
        self.opacity_slider.slider.set(0.6)
        self.opacity_slider.grid(row=0, column=1, sticky="ew")
        self._below.grid_columnconfigure(1, weight=1)
        legend = ctk.CTkFrame(self._below, fg_color="transparent")
        legend.grid(row=1, column=0, columnspan=2, sticky="w")
        for label in Label:
            colour = "#{:02x}{:02x}{:02x}".format(*COLOURS[label])
            spot = ctk.CTkFrame(legend, width=12, height=12, corner_radius=3, fg_color=colour)
            spot.pack(side="left", padx=(0, 6))
            text = texts(f"picture.speaks_for_{label.text}")
            words = ctk.CTkLabel(legend, text=text, font=theme.font(theme.SMALL))
            words.pack(side="left", padx=(0, theme.GAP * 2))

    def _head(self, name: str, colour: theme.Pair, key: str) -> None:
        self._sign.configure(image=icon(name, colour, 40))
        self.verdict.configure(text=self._texts(f"verdict.{key}"))

    def _show_reasons(self, prediction: Prediction | None) -> None:
        opened = self._session.picture
        sentences = (
            [self._texts(f"reason.{reason}") for reason in prediction.reasons] if prediction else []
        )
        if opened is not None and opened.error is not None:
            sentences.append(self._texts.error(opened.error))
        if sentences:
            self.reasons.configure(text="\n".join(sentences))
            self.reasons.pack(fill="x", padx=theme.GAP * 2, pady=(theme.GAP, 0), before=self.scale)
        else:
            self.reasons.pack_forget()

    def _show_score(self, prediction: Prediction | None) -> None:
        card, texts = self._session.model.card, self._texts
        if card is None:
            self.scale.show(None, 0.5, "", (0.5, 0.5), theme.UNDETERMINED)
        else:
            threshold = threshold_for(card, self._session.strictness)
            self.scale.show(
                prediction.score if prediction else None,
                threshold.value,
                texts("verdict.threshold", threshold=texts.number(threshold.value, 2)),
                threshold.abstain,
                VERDICT_COLOURS[prediction.verdict] if prediction else theme.UNDETERMINED,
            )
        if prediction is None:
            self.score.pack_forget()
        else:
            score = texts.number(prediction.score, 2)
            self.score.configure(text=texts("verdict.score", score=score))
            self.score.pack(fill="x")
        enhanced = self._session.enhanced
        if enhanced is not None and enhanced.prediction is not None:
            score = texts.number(enhanced.prediction.score, 2)
            self.enhanced.configure(text=texts("verdict.enhanced_score", score=score))
            self.enhanced.pack(fill="x", padx=theme.GAP * 2, pady=(theme.GAP, 0), before=self.cost)
        else:
            self.enhanced.pack_forget()

    def _show_cost(self) -> None:
        card, texts = self._session.model.card, self._texts
        if card is None:
            self.cost.configure(text="")
            return
        point = cost(card, threshold_for(card, self._session.strictness).value)
        rate, found = point.false_positive_rate, point.recall
        figures = texts(
            "model.cost",
            model=card.name,
            accused=texts.number(rate.value * 100, 1),
            accused_low=texts.number(rate.low * 100, 1),
            accused_high=texts.number(rate.high * 100, 1),
            found=texts.number(found.value * 100, 0),
            n_real=card.curve.n_real,
            n_fake=card.curve.n_fake,
        )
        measured = texts("model.measured_on", measured_on=card.curve.measured_on)
        self.cost.configure(text=f"{figures} {measured}")
