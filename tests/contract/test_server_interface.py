"""What the service promises to whoever keeps to its interface."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_detector.detector import Detector, Prediction
from keras_detector.labels import Verdict
from keras_detector.rows import Row
from keras_detector.server.answers import Judgement, NamedJudgement
from keras_detector.server.settings import MAX_BATCH
from tests.conftest import draw_picture
from tests.serving import MODEL, Service, form, png, service, settings

ROOT = Path(__file__).parents[2]
PICTURES = [
    png(draw_picture(np.random.default_rng(seed), fake=seed % 2 == 0, size=40 + seed))
    for seed in range(6)
]


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service() as it:
        yield it


def expected(picture: bytes, name: str) -> dict[str, Any]:
    return json.loads(Row(Path(name), Detector(MODEL).judge(picture)).to_json())


def test_one_picture_gets_what_predict_says_of_it(running: Service) -> None:
    answer = running.post("/v1/predict", PICTURES[0])
    assert answer.status == 200
    row = expected(PICTURES[0], "x")
    del row["path"]
    assert answer.json() == row
    octets = {"Content-Type": "application/octet-stream"}
    assert running.post("/v1/predict", PICTURES[0], octets).json() == row


def test_a_batch_gets_a_row_a_picture_in_order_and_unreadable_ones_say_so(
    running: Service,
) -> None:
    names = ["a.png", "../../etc/passwd", "text.jpg", "ü é.png", "a//b.png"]
    contents = [PICTURES[0], PICTURES[1], b"not a picture", PICTURES[2], PICTURES[3]]
    body, headers = form(*zip(names, contents, strict=True))
    answer = running.post("/v1/predict-batch", body, headers)
    assert answer.status == 200
    rows = answer.json()
    assert [row["path"] for row in rows] == names
    assert rows[2]["verdict"] is None
    assert "whole picture" in rows[2]["error"]
    for number in (0, 1, 3, 4):
        assert rows[number] == expected(contents[number], "x") | {"path": names[number]}


def test_scores_of_many_clients_are_the_library_s_bit_for_bit(running: Service) -> None:
    found: dict[int, list[float]] = {}
    start = Barrier(8)

    def ask(number: int) -> None:
        start.wait()
        found[number] = [
            running.post("/v1/predict", picture).json()["score"] for picture in PICTURES
        ]

    threads = [Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    detector = Detector(MODEL)
    scores = [detector.judge(picture).score for picture in PICTURES]
    assert len(found) == 8
    assert all(each == scores for each in found.values())


def test_explain_is_the_drawing_of_the_command(running: Service, tmp_path: Path) -> None:
    from keras_detector.cli import main

    picture, out = tmp_path / "picture.png", tmp_path / "out.png"
    picture.write_bytes(PICTURES[0])
    assert main(["explain", str(picture), "--out", str(out), "--model", str(MODEL)]) == 0
    answer = running.post("/v1/explain", PICTURES[0])
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.body)) as drawn, Image.open(out) as wanted:
        assert np.array_equal(np.asarray(drawn), np.asarray(wanted))


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain"])
def test_what_is_no_picture_is_an_error_in_words(running: Service, path: str) -> None:
    answer = running.post(path, b"not a picture")
    assert answer.status == 422
    assert set(answer.json()) == {"expected", "received", "advice"}
    assert running.post(path, b"").status == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(running: Service, kind: str) -> None:
    answer = running.post("/v1/predict", PICTURES[0], {"Content-Type": kind})
    assert answer.status == 415
    assert "Content-Type" in answer.json()["expected"]
    assert running.post("/v1/predict-batch", PICTURES[0], {"Content-Type": kind}).status == 415


def test_a_batch_of_too_many_pictures_is_refused(running: Service) -> None:
    body, headers = form(*[("a.png", PICTURES[0])] * MAX_BATCH)
    assert len(running.post("/v1/predict-batch", body, headers).json()) == MAX_BATCH
    body, headers = form(*[("a.png", PICTURES[0])] * (MAX_BATCH + 1))
    answer = running.post("/v1/predict-batch", body, headers)
    assert answer.status == 413
    assert str(MAX_BATCH) in answer.json()["expected"]


def test_another_path_or_method_is_an_error_in_words(running: Service) -> None:
    assert running.ask("GET", "/v2/predict").json()["advice"].startswith("See /docs")
    answer = running.ask("GET", "/v1/predict")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.json()["expected"]


def test_healthz_answers_also_to_head(running: Service) -> None:
    assert running.ask("GET", "/healthz").json() == {"status": "ok"}
    answer = running.ask("HEAD", "/healthz")
    assert (answer.status, answer.body) == (200, b"")


def test_metrics_count_requests_verdicts_and_seconds() -> None:
    with service() as running:
        for _ in range(3):
            assert running.post("/v1/predict", PICTURES[0]).status == 200
        running.post("/v1/predict", b"not a picture")
        running.ask("GET", "/made-up-1")
        running.ask("GET", "/made-up-2")
        answer = running.ask("GET", "/metrics")
        text = answer.body.decode()
        verdict = expected(PICTURES[0], "x")["verdict"]
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'keras_detector_requests_total{endpoint="/v1/predict",status="200"} 3.0',
        'keras_detector_requests_total{endpoint="/v1/predict",status="422"} 1.0',
        'keras_detector_requests_total{endpoint="other",status="404"} 2.0',
        f'keras_detector_verdicts_total{{verdict="{verdict}"}} 3.0',
        'keras_detector_verdicts_total{verdict="unreadable"} 1.0',
        'keras_detector_request_seconds_count{endpoint="/v1/predict"} 4.0',
        "keras_detector_queue_length 0.0",
    ):
        assert line in text.splitlines()
    assert "made-up" not in text


class Slow:
    """A detector that waits to be let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()

    def judge(self, source: bytes) -> Prediction:
        self.begun.set()
        assert self.go_on.wait(60)
        return Prediction(Verdict.REAL, Detector(MODEL).judge(source).label, 0.1, 0.5, "slow", ())


def in_background(running: Service, answers: list[int]) -> Thread:
    def ask() -> None:
        answers.append(running.post("/v1/predict", PICTURES[0]).status)

    thread = Thread(target=ask)
    thread.start()
    return thread


def test_a_full_queue_says_when_to_come_back_and_the_page_stays_open() -> None:
    slow = Slow()
    with service(settings(queue=1), [slow]) as running:
        answers: list[int] = []
        threads = [in_background(running, answers)]
        assert slow.begun.wait(60)
        threads.append(in_background(running, answers))
        while "queue_length 1.0" not in running.ask("GET", "/metrics").body.decode():
            assert threads[1].is_alive()
        full = running.post("/v1/predict", PICTURES[0])
        assert running.ask("GET", "/").status == 200
        slow.go_on.set()
        for thread in threads:
            thread.join()
        assert answers == [200, 200]
        assert running.post("/v1/predict", PICTURES[0]).status == 200
    assert full.status == 503
    assert int(full.headers["retry-after"]) > 0
    assert "queue" in full.json()["expected"]


def test_a_verdict_that_takes_too_long_is_given_up() -> None:
    slow = Slow()
    with service(settings(timeout=0.3), [slow]) as running:
        answer = running.post("/v1/predict", PICTURES[0])
        slow.go_on.set()
    assert answer.status == 503
    assert "0.3 seconds" in answer.json()["received"]


def test_what_is_under_way_is_finished_when_the_service_stops() -> None:
    slow = Slow()
    answers: list[int] = []
    with service(detectors=[slow]) as running:
        thread = in_background(running, answers)
        assert slow.begun.wait(60)
        running.server.should_exit = True
        while running.server.servers[0].is_serving():
            assert thread.is_alive()
        assert answers == []
        slow.go_on.set()
        thread.join()
    assert answers == [200]


def test_stopping_does_not_wait_for_ever() -> None:
    slow = Slow()
    answers: list[int] = []
    with service(settings(timeout=1.0), [slow]) as running:
        thread = in_background(running, answers)
        assert slow.begun.wait(60)
        running.server.should_exit = True
        thread.join()
        slow.go_on.set()
    assert answers == [503]


def test_the_description_lists_every_path_and_what_rows_hold(running: Service) -> None:
    schema = running.ask("GET", "/openapi.json").json()
    assert set(schema["paths"]) == {
        "/v1/predict", "/v1/predict-batch", "/v1/explain", "/healthz", "/metrics",
    }  # fmt: skip
    row = expected(PICTURES[0], "x")
    assert set(NamedJudgement.model_fields) == set(row)
    assert set(Judgement.model_fields) == set(row) - {"path"}
    Judgement.model_validate(running.post("/v1/predict", PICTURES[0]).json())
    body, headers = form(("a", PICTURES[0]), ("b", b"no picture"))
    for entry in running.post("/v1/predict-batch", body, headers).json():
        NamedJudgement.model_validate(entry)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere_and_all_they_load_is_there(
    running: Service, path: str
) -> None:
    answer = running.ask("GET", path)
    text = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r"(?:src|href)=\"([^\"#]+)\"", text)
    assert links
    assert not [link for link in links if ":" in link or link.startswith("//")]
    for link in links:
        assert running.ask("GET", f"/{link.removeprefix('./')}").status == 200
    assert "<style" not in text
    assert " style=" not in text
    assert not re.search(r"<script(?! src=)", text)
    assert not re.search(r"\son\w+=", text)


def test_docs_name_every_path_and_field(running: Service) -> None:
    text = running.ask("GET", "/docs").body.decode()
    for name in ("POST /v1/predict", "POST /v1/explain", "GET /metrics", "reasons", "advice"):
        assert f"<code>{name}</code>" in text
    assert "real, fake, undetermined or null" in text


def test_browsers_are_told_to_let_nothing_in(running: Service) -> None:
    for answer in (running.ask("GET", "/"), running.post("/v1/predict", b"x")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
