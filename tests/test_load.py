"""What the load benchmark makes of wrk's words."""

from __future__ import annotations

import pytest

from benchmarks.load import figure, read

SAID = """Running 3s test @ http://127.0.0.1:8125
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.66ms    1.02ms  14.57ms   88.35%
    Req/Sec     3.04k   368.94     3.71k    75.00%
  Latency Distribution
     50%  821.00us
     75%    2.95ms
     90%    3.52ms
     99%    6.85ms
  18229 requests in 3.01s, 95.42MB read
Requests/sec:   6056.21
Transfer/sec:     31.70MB
"""


def test_figures_are_read_in_any_unit() -> None:
    assert read(SAID) == {"per_second": 6056.21, "median_ms": pytest.approx(0.821), "p99_ms": 6.85}
    assert read(SAID.replace("6.85ms", "1.02s"))["p99_ms"] == 1020.0


@pytest.mark.parametrize(
    "fault", ["  Non-2xx or 3xx responses: 7\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"]
)
def test_answers_that_are_none_are_a_fault(fault: str) -> None:
    with pytest.raises(RuntimeError, match=fault.strip()):
        read(SAID + fault)


def test_words_that_are_not_wrks_are_a_fault() -> None:
    with pytest.raises(RuntimeError):
        read("unable to connect")
    with pytest.raises(RuntimeError):
        read(SAID.replace("99%", "98%"))


def test_the_share_is_that_of_the_rounds() -> None:
    ours = [{"per_second": rate, "median_ms": 2.0, "p99_ms": p99} for rate, p99 in ((80, 5), (30, 9), (90, 30))]
    peer = [{"per_second": rate, "median_ms": 1.0, "p99_ms": 4.0} for rate in (100, 40, 100)]
    found = figure(ours, peer)
    assert found["share_of_peer"] == 0.8 and found["p99_ms"] == 9 and found["kept"]
    assert not figure(ours, [{**one, "per_second": 200} for one in peer])["kept"]
    assert not figure([{**one, "p99_ms": 10.1} for one in ours], peer)["kept"]
