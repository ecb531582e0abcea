#!/usr/bin/env python3
"""Checks an ATSRE evidence bundle with nothing but Python 3.

    python3 check_bundle.py BUNDLE.zip      a bundle as one file
    python3 check_bundle.py FOLDER          a bundle that was unzipped
    python3 check_bundle.py                 the folder that this script lies in
    python3 check_bundle.py --json ...      the answer as JSON

Exits with 0 when the bundle verifies, with 3 when it does not, with 2 when it was called wrongly.

This is a second implementation, written from the description of the format and not from the program's own code. A
script that came with a bundle proves nothing to who does not trust the bundle: read it, or take it from elsewhere.
It verifies hashes, and the signatures of anchors (ed25519).
"""

import datetime
import hashlib
import io
import json
import math
import os
import re
import struct
import sys
import zipfile
import zlib

FORMAT = "atsre evidence bundle"
FORMAT_VERSION = 1
ALWAYS = ["events.jsonl", "lineage.jsonl", "anchors.jsonl", "README.txt", "check_bundle.py"]
SOMETIMES = ["report.html", "public_key"]
ERASURES = [("dataset", "DatasetErased"), ("experiment", "InputErased")]
ARTIFACT = re.compile(r"artifacts/([0-9a-f]{64})\Z")
DIGEST = re.compile(r"[0-9a-f]{64}\Z")
SMALL_BYTES = 64 << 20  # the largest manifest and the largest anchors.jsonl
LINE_BYTES = 64 << 20
CHUNK = 1 << 20
MOST_FORKS = 256
MOST_DIFFERENCES = 1000
DEPTH = 127  # of JSON inside JSON

U32, U64 = (0, 2**32), (0, 2**64)
I64 = (-(2**63), 2**63)
READ_ERRORS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)


class NotABundle(Exception):
    """The file cannot be read as a bundle at all."""


# JSON, as strictly as the format has it


def refuse(text):
    raise ValueError("%s is not JSON" % text)


def finite(text):
    number = float(text)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


def whole(text):
    number = -0.0 if text == "-0" else int(text)
    # What does not fit a machine's integer is read as a floating point number.
    return number if -(2**63) <= number < 2**64 else finite(text)


def decode(source, pairs=None):
    value = json.loads(source, parse_constant=refuse, parse_float=finite, parse_int=whole, object_pairs_hook=pairs)
    todo = [(value, 1)]
    while todo:
        part, depth = todo.pop()
        if isinstance(part, str):
            part.encode("utf-8")  # half a surrogate pair is not text
        elif isinstance(part, (dict, list)):
            if depth > DEPTH:
                raise ValueError("it is nested too deeply")
            if isinstance(part, dict):
                todo.extend((name, depth) for name in part)
                part = part.values()
            todo.extend((child, depth + 1) for child in part)
    return value


def once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is given twice")
    return found


def number(bounds):
    def check(value):
        return type(value) is int and bounds[0] <= value < bounds[1]
    return check


def text(value):
    return isinstance(value, str)


def digest(value):
    return isinstance(value, str) and DIGEST.match(value) is not None


def null_or(check):
    return lambda value: value is None or check(value)


def fields(value, what, optional=(), **shape):
    """Is `value` an object with exactly these fields?"""
    if not isinstance(value, dict):
        raise ValueError("%s is not a JSON object" % what)
    for name, check in shape.items():
        if name not in value:
            if name in optional:
                continue
            raise ValueError("%s has no field %s" % (what, name))
        if not check(value[name]):
            raise ValueError("the field %s of %s is not what it has to be" % (name, what))
    for name in value:
        if name not in shape:
            raise ValueError("%s has an unknown field %s" % (what, name))
    return value


def line_object(raw):
    if not raw.startswith(b"{"):
        raise ValueError("it is not a JSON object")
    return decode(raw.decode("utf-8"), once)


# The hashes


def frame(field):
    encoded = field.encode("utf-8")
    return struct.pack(">Q", len(encoded)) + encoded


def genesis(stream_type, stream):
    return hashlib.sha256(b"\x00" + frame(stream_type) + frame(stream)).hexdigest()


EMPTY_LOG = hashlib.sha256(b"\x02").hexdigest()


def event_hash(event):
    return hashlib.sha256(
        b"\x01"
        + bytes.fromhex(event["prev_hash"])
        + struct.pack(">Q", event["sequence"])
        + frame(event["event_type"])
        + frame(event["event_version"])
        + frame(event["payload"])
        + frame(event["metadata"])
        + struct.pack(">q", event["recorded_at_us"])
    ).hexdigest()


def log_hash(previous, position, hash_):
    packed = struct.pack(">Q", position)
    return hashlib.sha256(b"\x02" + bytes.fromhex(previous) + packed + bytes.fromhex(hash_)).hexdigest()


# Signatures: ed25519 as in RFC 8032, section 5.1.7, written for clearness and not for speed; checking has no secrets

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points in extended coordinates."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    t, z = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = (n - m) % P, (z - t) % P, (z + t) % P, (n + m) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor, point):
    total = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def point_of(data):
    """The point that 32 bytes encode."""
    encoded = int.from_bytes(data, "little")
    sign, y = encoded >> 255, encoded & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError("it is not a point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encoded_point(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def small(point):
    x, y, z, _ = times(8, point)
    return x == 0 and y == z


BASE = point_of(bytes.fromhex("58" + "66" * 31))


def signature_holds(key, message, signature):
    try:
        a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    except ValueError:
        return False
    if s >= ORDER or small(a) or small(r):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    minus_a = (P - a[0], a[1], a[2], P - a[3])
    return encoded_point(add(times(s, BASE), times(k, minus_a))) == signature[:32]


def microseconds(text_):
    """Of a time as it is written in an anchor, and in no other spelling."""
    at = datetime.datetime.strptime(text_, "%Y-%m-%dT%H:%M:%S.%fZ")
    micros = (at - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    if at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") != text_:
        raise ValueError("anchored_at is not a time in RFC 3339 with microseconds in UTC")
    return micros


def moment(micros):
    try:
        return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)).isoformat() + "Z"
    except OverflowError:
        return str(micros)


# Where the members are


class Zip:
    """A bundle as one file. Nothing is unpacked to the disk."""

    def __init__(self, path):
        self.file = open(path, "rb")
        try:
            self.zip = zipfile.ZipFile(self.file)
        except READ_ERRORS as problem:
            raise NotABundle("it is not a zip file, or it was cut off: %s" % problem)
        self.infos = {}
        self.oddities = []
        spans = []
        for info in self.zip.infolist():
            if info.filename in self.infos:
                self.oddities.append("two members have the same name: %s" % info.filename)
            self.infos[info.filename] = info
            spans.append(self.span(info))
        reached = 0
        for start, end in sorted(spans) + [(self.zip.start_dir, 0)]:
            if start != reached:
                self.oddities.append("a member begins at byte %d and was due at byte %d" % (start, reached))
            reached = end
        if self.zip.comment:
            self.oddities.append("the zip file has a comment")

    def span(self, info):
        """From where to where in the file a member lies, its own header included."""
        self.file.seek(info.header_offset)
        header = self.file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise NotABundle("the member %s has no header" % info.filename)
        name, extra = struct.unpack("<HH", header[26:30])
        return info.header_offset, info.header_offset + 30 + name + extra + info.compress_size

    def names(self):
        return list(self.infos)

    def open(self, name):
        if name not in self.infos:
            raise ValueError("it is missing")
        info = self.infos[name]
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is encrypted or compressed in another way")
        return self.zip.open(info)


class Folder:
    """A bundle that was unzipped."""

    def __init__(self, path):
        self.path = path
        self.oddities = []

    def names(self):
        found = []
        for folder, _, files in os.walk(self.path):
            for file in files:
                found.append(os.path.relpath(os.path.join(folder, file), self.path).replace(os.sep, "/"))
        return sorted(found)

    def open(self, name):
        path = os.path.join(self.path, *name.split("/"))
        if not os.path.isfile(path):
            raise ValueError("it is missing")
        return open(path, "rb")


class Summing:
    """Reads a member, but not more than one byte beyond its limit, and sums it up on the way."""

    def __init__(self, source, limit):
        self.source, self.left = source, limit + 1
        self.sha256, self.length = hashlib.sha256(), 0

    def read(self):
        chunk = self.source.read(min(CHUNK, self.left))
        self.left -= len(chunk)
        self.length += len(chunk)
        self.sha256.update(chunk)
        return chunk

    def lines(self):
        rest = b""
        while True:
            chunk = self.read()
            if not chunk:
                break
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            yield from parts
            if len(rest) >= LINE_BYTES:
                raise ValueError("a line has more than %d bytes" % LINE_BYTES)
        if rest:
            yield rest

    def sum(self):
        return self.length, self.sha256.hexdigest()


def split_lines(data):
    parts = data.split(b"\n")
    if parts[-1] == b"":
        parts.pop()
    return parts


# The check


class Check:
    def __init__(self, members):
        self.members = members
        self.differences = []
        self.events = self.log_links = self.artifacts = self.artifact_bytes = 0
        self.compared = self.elsewhere = self.signed = 0
        self.lineage = []
        self.streams = {}  # (type, name) -> [events, first position, position, sequence, hash]
        self.shared = {}  # (type, name, sequence) -> (position, hash), of the events that forks share
        self.erased = set()  # artifacts that were erased, as the events say
        self.gone = []  # those of them that are missing
        self.named = {}  # artifact -> (position, stream, event type, length)
        self.datasets = {}
        self.report = None
        self.log_hashes = {}
        self.last = None  # the last position and the latest time
        self.last_known = None  # the last position in log_hashes

    def differ(self, position, stream, kind, detail):
        if len(self.differences) < MOST_DIFFERENCES:
            self.differences.append({"position": position, "stream": stream, "kind": kind, "detail": detail})

    def at(self, event, kind, detail):
        what = "%s %s: %s" % (event["stream_type"], event["event_type"], detail)
        self.differ(event["position"], event["stream"], kind, what)

    def run(self):
        self.read_manifest()
        self.check_names()
        self.read_lineage()
        self.read_events()
        self.check_artifacts()
        anchors = self.read_anchors()
        self.check_rest()
        self.check_streams()
        self.check_anchors(anchors)
        self.check_statements(len(anchors))
        self.differences.sort(key=lambda difference: difference["position"])

    # Files

    def read_all(self, name, limit):
        with self.members.open(name) as source:
            data = source.read(limit + 1)
        if len(data) > limit:
            raise ValueError("it has more than %d bytes" % limit)
        return data

    def read_manifest(self):
        try:
            data = self.read_all("manifest.json", SMALL_BYTES)
            manifest = decode(data.decode("utf-8"), once)
            if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
                raise ValueError("its format is not %r" % FORMAT)
            if manifest.get("format_version") != FORMAT_VERSION:
                raise ValueError("its format version is not %d, which is what this script reads" % FORMAT_VERSION)
            fields(
                manifest, "the manifest", ("erased",), format=text, format_version=number(U32), build=text,
                experiment=lambda v: fields(v, "experiment", stream=text, id=null_or(number(U64))),
                head=lambda v: fields(v, "head", position=number(U64), log_hash=text),
                counts=lambda v: fields(
                    v, "counts", events=number(U64), streams=number(U64), lineage=number(U64), artifacts=number(U64),
                    artifact_bytes=number(U64), anchors=number(U64)),
                streams=lambda v: isinstance(v, list) and all(
                    fields(
                        end, "streams", stream_type=text, stream=text, events=number(U64), last_sequence=number(U64),
                        last_position=number(U64), last_hash=text)
                    for end in v),
                erased=lambda v: isinstance(v, list) and v != [] and all(text(artifact) for artifact in v),
                members=lambda v: isinstance(v, list) and all(
                    fields(
                        member, "members", ("media_type",), name=text, length_bytes=number(U64), sha256=text,
                        media_type=text)
                    for member in v))
        except READ_ERRORS as problem:
            raise NotABundle("manifest.json: %s" % problem)
        except RecursionError:
            raise NotABundle("manifest.json: it is nested too deeply")
        self.manifest = manifest
        self.manifest_digest = hashlib.sha256(data).hexdigest()

    def check_names(self):
        for oddity in self.members.oddities:
            self.differ(0, None, "extra", oddity)
        self.listed = {}
        for member in self.manifest["members"]:
            name = member["name"]
            if name not in ALWAYS + SOMETIMES and not ARTIFACT.match(name):
                self.differ(0, None, "member", "%s: no member of a bundle has this name" % name)
            elif name in self.listed:
                self.differ(0, None, "member", "%s: it is listed more than once" % name)
                self.listed[name] = member
            else:
                self.listed[name] = member
        for name in self.members.names():
            if name != "manifest.json" and name not in self.listed:
                self.differ(0, None, "extra", "%s: the manifest does not list it" % name)
        for name in ALWAYS:
            if name not in self.listed:
                self.differ(0, None, "member", "%s: the manifest does not list it" % name)

    def compare(self, name, found):
        """Is a member what the manifest says? `found` is its length and digest, or what is wrong with it."""
        member = self.listed[name]
        if isinstance(found, str):
            detail = found
        elif found[0] != member["length_bytes"]:
            more = "more" if found[0] > member["length_bytes"] else "less"
            detail = "the manifest says %d bytes, it has %s" % (member["length_bytes"], more)
        elif found[1] != member["sha256"]:
            detail = "the manifest says SHA-256 %s, it has %s" % (member["sha256"], found[1])
        else:
            return
        self.differ(0, None, "member", "%s: %s" % (name, detail))

    def sum_of(self, name, limit):
        try:
            with self.members.open(name) as source:
                summing = Summing(source, limit)
                while summing.read():
                    pass
            return summing.sum()
        except READ_ERRORS as problem:
            return "it cannot be read: %s" % problem

    def read_small(self, name):
        if name not in self.listed:
            return b""
        try:
            data = self.read_all(name, SMALL_BYTES)
            self.compare(name, (len(data), hashlib.sha256(data).hexdigest()))
            return data
        except READ_ERRORS as problem:
            self.compare(name, str(problem))
            return b""

    # Events

    def read_lineage(self):
        lines = split_lines(self.read_small("lineage.jsonl"))
        for index, raw in enumerate(lines[:MOST_FORKS]):
            try:
                self.lineage.append(fields(
                    line_object(raw), "the line", stream_type=text, child=text, parent=text,
                    fork_sequence=number(U64), parent_hash=digest, forked_at_position=number(U64)))
            except (ValueError, RecursionError) as problem:
                self.differ(0, None, "lineage", "line %d of lineage.jsonl: %s" % (index + 1, problem))
        if len(lines) > MOST_FORKS:
            self.differ(0, None, "lineage", "lineage.jsonl has more than %d lines" % MOST_FORKS)
        for row in self.lineage:
            self.shared[self.shared_event(row)] = None

    def fork_of(self, stream_type, stream):
        for row in self.lineage:
            if (row["stream_type"], row["child"]) == (stream_type, stream):
                return row
        return None

    def shared_event(self, row):
        """The event that a fork shares last; where the parent is a fork too, it may be its own parent's."""
        owner = row["parent"]
        for _ in self.lineage:
            ups = [
                up for up in self.lineage
                if (up["stream_type"], up["child"]) == (row["stream_type"], owner)
                and up["fork_sequence"] >= row["fork_sequence"]
            ]
            if not ups:
                break
            owner = ups[0]["parent"]
        return row["stream_type"], owner, row["fork_sequence"]

    def read_events(self):
        name = "events.jsonl"
        if name not in self.listed:
            return
        try:
            with self.members.open(name) as source:
                summing = Summing(source, self.listed[name]["length_bytes"])
                for index, raw in enumerate(summing.lines()):
                    try:
                        event = fields(
                            line_object(raw), "the line", position=number(U64), stream_type=text, stream=text,
                            sequence=number(U64), event_type=text, event_version=text, payload=text, metadata=text,
                            recorded_at_us=number(I64), prev_hash=digest, hash=digest, previous_log_hash=digest,
                            log_hash=digest)
                    except (ValueError, RecursionError) as problem:
                        position = self.last[0] if self.last else 0
                        self.differ(position, None, "unreadable", "line %d of %s: %s" % (index + 1, name, problem))
                    else:
                        self.follow(event)
            found = summing.sum()
        except READ_ERRORS as problem:
            found = "it cannot be read: %s" % problem
        self.compare(name, found)

    def follow(self, event):
        self.events += 1
        position = event["position"]
        if self.last is None:
            self.last = position, event["recorded_at_us"]
        else:
            if position <= self.last[0]:
                self.at(event, "order", "it stands after event %d" % self.last[0])
            if event["recorded_at_us"] < self.last[1]:
                recorded = moment(event["recorded_at_us"])
                self.at(event, "time", "recorded at %s, before the event before it" % recorded)
            self.last = max(position, self.last[0]), max(event["recorded_at_us"], self.last[1])
        computed = event_hash(event)
        if computed != event["hash"]:
            self.at(event, "hash", "its content gives %s, the record says %s" % (computed, event["hash"]))
        self.follow_stream(event)
        self.follow_log(event)
        self.read_payload(event)

    def follow_stream(self, event):
        key = event["stream_type"], event["stream"]
        if key in self.streams:
            sequence, previous = self.streams[key][3:]
        else:
            fork = self.fork_of(*key)
            sequence, previous = (fork["fork_sequence"], fork["parent_hash"]) if fork else (0, genesis(*key))
            self.streams[key] = [0, event["position"], None, None, None]
        if event["sequence"] != sequence + 1:
            detail = "sequence %d was due in its stream and %d came" % (sequence + 1, event["sequence"])
            self.at(event, "sequence", detail)
        if event["prev_hash"] != previous:
            detail = "it follows %s, the event before it has %s" % (event["prev_hash"], previous)
            self.at(event, "prev_hash", detail)
        followed = self.streams[key]
        followed[0] += 1
        followed[2:] = [event["position"], event["sequence"], event["hash"]]
        shared = key + (event["sequence"],)
        if shared in self.shared:
            self.shared[shared] = event["position"], event["hash"]

    def follow_log(self, event):
        position, previous = event["position"], event["previous_log_hash"]
        computed = log_hash(previous, position, event["hash"])
        if computed != event["log_hash"]:
            detail = "the log's running hash is %s, the record says %s" % (computed, event["log_hash"])
            self.at(event, "log_hash", detail)
        before = max(position - 1, 0)
        known = None
        if before == 0:
            known = EMPTY_LOG
        elif self.last_known == before:
            known = self.log_hashes[before]
        if known is not None:
            self.log_links += 1
            if known != previous:
                detail = "it says the log's running hash before it is %s, it is %s" % (previous, known)
                self.at(event, "log_hash", detail)
        for place, hash_ in ((before, previous), (position, event["log_hash"])):
            if self.last_known is None or self.last_known < place:
                self.log_hashes[place] = hash_
                self.last_known = place

    def read_payload(self, event):
        try:
            decode(event["metadata"])
        except (ValueError, RecursionError) as problem:
            self.at(event, "unreadable", "its metadata is not JSON: %s" % problem)
        try:
            payload = decode(event["payload"])
        except (ValueError, RecursionError) as problem:
            self.at(event, "unreadable", "its payload is not JSON: %s" % problem)
            return
        self.collect(event, payload)
        if (event["stream_type"], event["event_type"]) in ERASURES and isinstance(payload, dict):
            artifacts = payload.get("artifacts")
            if isinstance(artifacts, list):
                self.erased.update(artifact for artifact in artifacts if text(artifact))
        if event["stream_type"] != "experiment" or not isinstance(payload, dict):
            return
        dataset = payload.get("dataset")
        if isinstance(dataset, dict) and isinstance(dataset.get("stream"), str):
            self.datasets.setdefault(dataset["stream"], event["position"])
        if event["event_type"] == "ReportPublished":
            html = payload.get("html")
            if isinstance(html, dict) and isinstance(html.get("digest"), str):
                self.report = html["digest"]

    def collect(self, event, value):
        """The artifacts that a payload names: objects with a digest and a length, and the digests of panels."""
        if isinstance(value, dict):
            length = value.get("length_bytes")
            length = length if number(U64)(length) else None
            if isinstance(value.get("digest"), str) and length is not None:
                self.name(event, value["digest"], length)
            if isinstance(value.get("panel_digest"), str):
                self.name(event, value["panel_digest"], None)
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        # Not depth first from left to right: which naming comes first inside of one event makes no difference.
        for child in children:
            self.collect(event, child)

    def name(self, event, artifact, length):
        naming = event["position"], event["stream"], event["event_type"], length
        self.named.setdefault(artifact, naming)

    # Artifacts and the other members

    def check_artifacts(self):
        missing = set(self.named)
        for name in sorted(self.listed):
            match = ARTIFACT.match(name)
            if not match:
                continue
            artifact, member = match.group(1), self.listed[name]
            missing.discard(artifact)
            if artifact not in self.named:
                self.differ(0, None, "extra", "%s: no event names it" % name)
                continue
            position, stream, event_type, length = self.named[artifact]
            stated = member["length_bytes"] if length is None else length
            found = self.sum_of(name, max(stated, member["length_bytes"]))
            if isinstance(found, str):
                problem = found
            elif found[1] != artifact:
                problem = "its bytes have the digest %s" % found[1]
            elif found[0] != stated:
                problem = "it has %d bytes, the event says %d" % (found[0], stated)
            else:
                problem = None
            if problem:
                self.differ(position, stream, "artifact", "%s: artifact %s: %s" % (event_type, artifact, problem))
            self.artifacts += 1
            self.artifact_bytes += 0 if isinstance(found, str) else found[0]
            self.compare(name, found)
        # What events say was erased may be missing, and nothing else; the manifest must say so too.
        self.gone = sorted(missing & self.erased)
        stated = self.manifest.get("erased", [])
        if self.gone != stated:
            detail = "it says %d artifacts were erased; events say so of %d that are missing: not the same"
            self.differ(0, None, "manifest", detail % (len(stated), len(self.gone)))
        for artifact in sorted(missing - self.erased):
            position, stream, event_type, _ = self.named[artifact]
            self.differ(position, stream, "artifact", "%s: artifact %s: it is missing" % (event_type, artifact))

    def read_anchors(self):
        anchors = []
        for index, raw in enumerate(split_lines(self.read_small("anchors.jsonl"))):
            try:
                anchor = line_object(raw)
                if not number(U64)(anchor.get("position")) or not digest(anchor.get("log_hash")):
                    raise ValueError("it needs a position and a log_hash")
                if set(anchor) - {"position", "log_hash", "anchored_at", "public_key", "signature"}:
                    raise ValueError("it has an unknown field")
                signed = [anchor.get(name) for name in ("anchored_at", "public_key", "signature")]
                if any(part is not None for part in signed):
                    if not all(isinstance(part, str) for part in signed):
                        raise ValueError("anchored_at, public_key and signature belong together, and not all are there")
                    key, signature = bytes.fromhex(signed[1]), bytes.fromhex(signed[2])
                    if len(key) != 32 or len(signature) != 64:
                        raise ValueError("the key or the signature has another length")
                    point_of(key)
                    signed = microseconds(signed[0]), key, signature
                else:
                    signed = None
                anchors.append((anchor["position"], anchor["log_hash"], signed))
            except (ValueError, RecursionError) as problem:
                self.differ(0, None, "anchor", "line %d of anchors.jsonl: %s" % (index + 1, problem))
        return anchors

    def check_rest(self):
        for name in sorted(self.listed):
            if name not in ("events.jsonl", "lineage.jsonl", "anchors.jsonl") and not ARTIFACT.match(name):
                self.compare(name, self.sum_of(name, self.listed[name]["length_bytes"]))
        given = self.listed.get("report.html")
        if self.report is not None and given is None:
            if self.report not in self.manifest.get("erased", []):
                self.differ(0, None, "member", "report.html: an event names a report, and it is missing")
        elif self.report is None and given is not None:
            self.differ(0, None, "extra", "report.html: no event names a report")
        elif given is not None and given["sha256"] != self.report:
            self.differ(0, None, "member", "report.html: the last report that an event names is %s" % self.report)

    # What the events prove together

    def expected(self):
        """The streams that the bundle must have, and no others: (type, name) -> where each is referred to."""
        expected = {}
        todo = [(("experiment", self.manifest["experiment"]["stream"]), 0)]
        todo += [(("dataset", stream), position) for stream, position in sorted(self.datasets.items())]
        while todo:
            key, position = todo.pop()
            known = key in expected
            expected[key] = position
            if not known:
                todo += [
                    ((row["stream_type"], row["parent"]), row["forked_at_position"])
                    for row in self.lineage if (row["stream_type"], row["child"]) == key
                ]
        return expected

    def check_streams(self):
        expected = self.expected()
        children = set()
        for row in self.lineage:
            place = row["forked_at_position"], row["child"], "lineage"
            if self.shared[self.shared_event(row)] != (row["forked_at_position"], row["parent_hash"]):
                self.differ(*place, "it shares sequence %d of stream %s, which has no such event with that hash"
                            % (row["fork_sequence"], row["parent"]))
            key = row["stream_type"], row["child"]
            if key not in expected:
                self.differ(*place, "it is neither the experiment nor a stream that the experiment comes from")
            if key in children:
                self.differ(*place, "its lineage is given more than once")
            children.add(key)
        for key, position in sorted(expected.items()):
            if key not in self.streams and key not in children:
                self.differ(position, key[1], "incomplete", "the %s stream is referred to and is missing" % key[0])
        for key, followed in sorted(self.streams.items()):
            if key not in expected:
                self.differ(followed[1], key[1], "extra", "nothing refers to this %s stream" % key[0])

    def check_anchors(self, anchors):
        key = self.read_key()
        for position, stated, signed in anchors:
            if signed is not None:
                self.check_signature(position, stated, signed, key)
            found = self.log_hashes.get(position)
            if found is None:
                self.elsewhere += 1
                continue
            self.compared += 1
            if found != stated:
                self.differ(position, None, "anchor", "the anchor says %s, the log says %s" % (stated, found))

    def read_key(self):
        """The key of the anchors' signatures, where the bundle has one."""
        if "public_key" not in self.listed:
            return None
        try:
            key = bytes.fromhex(self.read_all("public_key", SMALL_BYTES).decode("ascii").strip())
            if len(key) != 32:
                raise ValueError("it is not 64 hexadecimal digits")
            point_of(key)
            return key
        except READ_ERRORS as problem:
            self.differ(0, None, "member", "public_key: %s" % problem)
            return None

    def check_signature(self, position, stated, signed, expected):
        self.signed += 1
        at, key, signature = signed
        if expected is not None and key != expected:
            return self.differ(position, None, "anchor", "it is signed with another key than the bundle's")
        message = b"ATSRE anchor v1\n" + struct.pack(">Q", position) + bytes.fromhex(stated) + struct.pack(">q", at)
        if not signature_holds(key, message, signature):
            self.differ(position, None, "anchor", "its signature is not one of what it says")

    def check_statements(self, anchors):
        manifest = self.manifest
        lengths = [m["length_bytes"] for m in manifest["members"] if ARTIFACT.match(m["name"])]
        counts = {
            "events": self.events, "streams": len(self.streams), "lineage": len(self.lineage),
            "artifacts": len(lengths), "artifact_bytes": sum(lengths), "anchors": anchors,
        }
        if counts != manifest["counts"]:
            self.differ(0, None, "manifest", "it counts %s, there are %s" % (manifest["counts"], counts))
        own = self.streams.get(("experiment", manifest["experiment"]["stream"]))
        created_at, stated = own[1] if own else None, manifest["experiment"]["id"]
        if created_at != stated:
            detail = "it says the experiment's number is %s, it is %s" % (stated, created_at)
            self.differ(0, None, "manifest", detail)
        self.check_ends()
        head = manifest["head"]
        last = self.last[0] if self.last else 0
        if last > head["position"]:
            detail = "the manifest says the log ends at %d, but there is an event %d" % (head["position"], last)
            self.differ(last, None, "head", detail)
        if self.log_hashes.get(head["position"], head["log_hash"]) != head["log_hash"]:
            detail = "the manifest has another running hash for the log's head than the events"
            self.differ(head["position"], None, "head", detail)

    def check_ends(self):
        stated = set()
        for end in self.manifest["streams"]:
            key = end["stream_type"], end["stream"]
            followed = self.streams.get(key)
            if key in stated:
                place, detail = (end["last_position"], "manifest"), "it lists the stream twice"
            elif followed is None:
                place = end["last_position"], "incomplete"
                detail = "the manifest says it has %d events, and they are missing" % end["events"]
            else:
                events, _, position, sequence, hash_ = followed
                names = "events", "last_position", "last_sequence", "last_hash"
                if tuple(end[name] for name in names) == (events, position, sequence, hash_):
                    stated.add(key)
                    continue
                if sequence < end["last_sequence"]:
                    place = position, "incomplete"
                    detail = "it ends at sequence %d, the events end at %d" % (end["last_sequence"], sequence)
                else:
                    place, detail = (position, "manifest"), "it says that the stream ends elsewhere"
            stated.add(key)
            self.differ(place[0], end["stream"], place[1], detail)
        for key, followed in sorted(self.streams.items()):
            if key not in stated:
                self.differ(followed[2], key[1], "manifest", "it does not list this stream")

    # The answer

    def answer(self):
        manifest = self.manifest
        return {
            "ok": not self.differences,
            "experiment": manifest["experiment"]["stream"],
            "experiment_id": manifest["experiment"]["id"],
            "build": manifest["build"],
            "head": manifest["head"],
            "manifest": self.manifest_digest,
            "events": self.events,
            "streams": len(self.streams),
            "log_links": self.log_links,
            "artifacts": self.artifacts,
            "artifact_bytes": self.artifact_bytes,
            "erased": self.gone,
            "anchors_compared": self.compared,
            "anchors_elsewhere": self.elsewhere,
            "anchors_signed": self.signed,
            "differences": self.differences,
        }


def tell(answer):
    number_ = "" if answer["experiment_id"] is None else " (number %d)" % answer["experiment_id"]
    print("experiment   %s%s, written by %s" % (answer["experiment"], number_, answer["build"]))
    print("log's head   %d, %s" % (answer["head"]["position"], answer["head"]["log_hash"]))
    print("manifest     SHA-256 %s" % answer["manifest"])
    print("events       %d in %d streams: every hash and every chain; %d are linked to their neighbour in the log"
          % (answer["events"], answer["streams"], answer["log_links"]))
    print("artifacts    %d, %d bytes: against their digests" % (answer["artifacts"], answer["artifact_bytes"]))
    if answer["erased"]:
        print("erased       %d artifacts are not in the bundle: their data set was erased, as events say"
              % len(answer["erased"]))
    print("anchors      %d compared; %d are of positions that the bundle does not tell; %d signatures checked"
          % (answer["anchors_compared"], answer["anchors_elsewhere"], answer["anchors_signed"]))
    for difference in answer["differences"]:
        stream = "" if difference["stream"] is None else " of stream %s" % difference["stream"]
        print("DIFFERS      %s at position %d%s: %s"
              % (difference["kind"], difference["position"], stream, difference["detail"]))
    count = len(answer["differences"])
    print("The bundle verifies." if answer["ok"] else "The bundle does NOT verify: %d differences." % count)


def main(arguments):
    as_json = "--json" in arguments
    paths = [argument for argument in arguments if argument != "--json"]
    if len(paths) > 1 or any(path.startswith("-") for path in paths):
        print(__doc__, file=sys.stderr)
        return 2
    path = paths[0] if paths else os.path.dirname(os.path.abspath(__file__))
    try:
        check = Check(Folder(path) if os.path.isdir(path) else Zip(path))
        check.run()
        answer = check.answer()
    except (NotABundle, OSError) as problem:
        if as_json:
            print(json.dumps({"ok": False, "error": str(problem)}))
        else:
            print("%s is not a bundle: %s" % (path, problem), file=sys.stderr)
        return 3
    if as_json:
        print(json.dumps(answer))
    else:
        tell(answer)
    return 0 if answer["ok"] else 3


if __name__ == "__main__":
    # Names may have letters that the terminal's encoding lacks.
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
