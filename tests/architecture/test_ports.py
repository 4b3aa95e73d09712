from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import activities
import workflows.ports

ACTIVITY = "__temporal_activity_definition"


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes_of(package: ModuleType) -> Iterator[type]:
    for module in modules_of(package):
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found


def activities_of(class_: type) -> dict[str, Callable[..., Any]]:
    """Methods that the class itself defines as activities, by name."""
    return {name: method for name, method in vars(class_).items() if hasattr(method, ACTIVITY)}


PORTS = [class_ for class_ in classes_of(workflows.ports) if activities_of(class_)]
IMPLEMENTATIONS = [class_ for class_ in classes_of(activities) if activities_of(class_)]


def test_every_port_is_abstract_in_every_activity() -> None:
    assert PORTS
    for port in PORTS:
        assert inspect.isabstract(port), port
        assert set(activities_of(port)) == vars(port)["__abstractmethods__"]


def test_every_public_activity_implements_a_port() -> None:
    homeless = [
        f"{class_.__module__}.{class_.__name__}.{name}"
        for class_ in IMPLEMENTATIONS
        for name in activities_of(class_)
        if not any(port in class_.__mro__ and name in activities_of(port) for port in PORTS)
    ]

    assert IMPLEMENTATIONS
    assert homeless == []


def test_every_port_has_exactly_one_complete_implementation() -> None:
    counted = Counter(
        port.__name__
        for port in PORTS
        for class_ in IMPLEMENTATIONS
        if issubclass(class_, port) and not inspect.isabstract(class_)
    )

    assert counted == Counter(port.__name__ for port in PORTS)


def test_every_activity_name_is_used_once() -> None:
    names = Counter(name for port in PORTS for name in activities_of(port))

    assert {name: times for name, times in names.items() if times > 1} == {}


def test_every_activity_takes_and_returns_frozen_keyword_only_payloads() -> None:
    loose = [
        f"{port.__name__}.{name}: {payload}"
        for port in PORTS
        for name, method in activities_of(port).items()
        for payload in typing.get_type_hints(method).values()
        for payload_type in _dataclasses_in(payload)
        if not _is_frozen_and_keyword_only(payload_type)
    ]

    assert loose == []


def _dataclasses_in(hint: Any) -> Iterator[type]:
    for part in typing.get_args(hint) or (hint,):
        if dataclasses.is_dataclass(part) and isinstance(part, type):
            yield part


def _is_frozen_and_keyword_only(class_: type) -> bool:
    parameters: Any = vars(class_)["__dataclass_params__"]
    return bool(parameters.frozen) and all(field.kw_only for field in dataclasses.fields(class_))
