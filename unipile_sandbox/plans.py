"""The plan as LinkedIn has it, which Unipile's copy in the account need not follow."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from unipile_sandbox.payloads import Payload

SEATS = ("sales_navigator", "recruiter")
# Their keys in the answer of users/me that can be set besides the plan.
PROFILE_KEYS = {
    *("object", "provider", "provider_id", "entity_urn", "object_urn", "public_identifier"),
    *("first_name", "last_name", "profile_picture_url", "public_profile_url", "headline"),
    *("location", "email", "premium", "open_profile", "occupation", "organizations", *SEATS),
}


def member_of(payload: Payload) -> str:
    """Return the LinkedIn member's id, or else the account's."""
    match payload.get("connection_params"):
        case {"im": {"id": str(member_id)}} if member_id:
            return member_id
    return str(payload["id"])


def member_number(member_id: str) -> int:
    return 100_000_000 + zlib.crc32(member_id.encode(errors="replace")) % 900_000_000


def seat(member_id: str) -> dict[str, str]:
    number = member_number(member_id)
    return {"owner_seat_id": f"3{number}", "contract_id": f"2{number}"}


def copied_features(payload: Payload) -> list[str]:
    match payload.get("connection_params"):
        case {"im": {"premiumFeatures": [*features]}}:
            return [feature for feature in features if isinstance(feature, str)]
    return []


class PlanStore:
    """Plans that were set for members. Others have what Unipile's copy says."""

    def __init__(self) -> None:
        self._changes: dict[str, dict[str, Any]] = {}

    def copy(self) -> PlanStore:
        twin = PlanStore()
        twin._changes = {member: dict(changes) for member, changes in self._changes.items()}
        return twin

    def set(self, member_id: str, changes: Mapping[str, Any]) -> None:
        """Change keys of users/me. A seat may be true, false or the word of its error."""
        omitted = changes.get("omit", ())
        if type(omitted) not in (list, tuple):
            raise ValueError("omit must be a list of keys.")
        for key in (*changes, *omitted):
            if key not in PROFILE_KEYS | {"omit"}:
                known = ", ".join(sorted(PROFILE_KEYS))
                raise ValueError(f"{key!r} is not a key of users/me; these are: {known}, omit.")
        expanded = {
            key: _seat(value, member_id) if key in SEATS else value
            for key, value in changes.items()
        }
        self._changes.setdefault(member_id, {}).update(expanded)

    def changes_of(self, payload: Payload) -> Mapping[str, Any]:
        return self._changes.get(member_of(payload), {})

    def plan_of(self, payload: Payload) -> dict[str, Any]:
        """Return premium, sales_navigator and recruiter as LinkedIn has them now."""
        features, member_id = copied_features(payload), member_of(payload)
        copied = {name: seat(member_id) if name in features else None for name in SEATS}
        changed = self.changes_of(payload)
        plan = {"premium": bool(features), **copied}
        return {key: changed.get(key, value) for key, value in plan.items()}

    def has_seat(self, payload: Payload, name: str) -> bool:
        value = self.plan_of(payload)[name]
        return isinstance(value, dict) and "error" not in value

    def copy_into(self, payload: Payload) -> None:
        """Take the plan over into the account, as a login does.

        What LinkedIn does not say stays. A plan that was never read is there afterwards.
        """
        changed = self.changes_of(payload)
        features = copied_features(payload)
        for key in ("premium", *SEATS):
            value = changed.get(key)
            known = key in changed and not (isinstance(value, dict) and "error" in value)
            if known and bool(value) != (key in features):
                features = [name for name in features if name != key] + [key] * bool(value)
        if changed or _has_no_plan(payload):
            _write_features(payload, features)


def _seat(value: object, member_id: str) -> object:
    match value:
        case True:
            return seat(member_id)
        case False:
            return None
        case str():
            return {"error": value}
    return value


def _has_no_plan(payload: Payload) -> bool:
    match payload.get("connection_params"):
        case {"im": dict() as im}:
            return "premiumFeatures" not in im
    return False


def _write_features(payload: Payload, features: list[str]) -> None:
    match payload.get("connection_params"):
        case {"im": dict() as im}:
            member_id = member_of(payload)
            has_seat = any(name in features for name in SEATS)
            im["premiumFeatures"] = features
            im["premiumId"] = f"ACwAA{member_id[5:]}" if has_seat else None
            im["premiumContractId"] = seat(member_id)["contract_id"] if has_seat else None
