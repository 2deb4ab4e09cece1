"""An unfit machine is told so in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.preflight import Machine, UnfitMachineError, check, look

FIT = Machine(python=(3, 11), has_ray=True, memory=8 * 2**30, disk=20 * 2**30)


def test_a_fit_machine_has_no_remarks():
    assert check(FIT) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"python": (3, 10)}, "Python 3.10 não serve: o Ray tem pacotes para 3.11 a 3.14"),
        ({"python": (3, 15)}, "Python 3.15 não serve"),
        ({"has_ray": False}, "o Ray não está instalado neste Python: rode `make run`"),
        ({"memory": 1 * 2**30}, "só há 1,0 GB de memória livre"),
        ({"disk": 2**29}, "só há 0,5 GB livres em disco"),
    ],
)
def test_an_unfit_machine_is_one_readable_line(change, says):
    with pytest.raises(UnfitMachineError) as refused:
        check(replace(FIT, **change))
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)


def test_little_memory_is_a_remark():
    (remark,) = check(replace(FIT, memory=int(2.5 * 2**30)))
    assert remark.startswith("há só 2,5 GB de memória livre")


def test_this_machine_is_seen(tmp_path):
    machine = look(tmp_path / "not" / "there" / "yet")
    assert machine.has_ray
    assert machine.memory > 0
    assert machine.disk > 0
