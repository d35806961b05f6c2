"""Workers of Ray: the same files, records and exit codes as one process, whatever dies."""

import io
import os
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from snadnet.batch.inputs import find_photos
from snadnet.batch.naming import Layout, plan
from snadnet.batch.options import DeblurOptions
from snadnet.blur import linear_kernel
from snadnet.cluster import deblur_photos
from snadnet.concurrency import StopSignal
from support.cli_fakes import files, photo
from support.cli_fakes import run as run_command
from support.cluster_fakes import DEADLY, DEADLY_ONCE, FullStorage, MortalDeblurrer


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in files(folder)}


def words(result):
    """What a command said, in any order and without seconds."""
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    return sorted(line.partition(" (0")[0].partition(" s)")[0][:60] for line in lines)


def test_the_command_does_the_same_with_ray(ray, tmp_path, monkeypatch, portrait, build_network):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "sub/b.png", "sub/c.png"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(portrait).save(tmp_path / "in" / name)
    photo("in/faceless.png", size=64)
    (tmp_path / "in/damaged.jpg").write_bytes(b"no photo")
    (tmp_path / "in/x.gif").write_bytes(b"GIF")
    for out in ("one", "ray"):
        (tmp_path / out / "sub").mkdir(parents=True)
        (tmp_path / out / "sub/c.png").write_bytes(b"there before")
    network = build_network(tmp_path / "network.onnx", kernel=linear_kernel(9, 0))
    arguments = ("in", "-r", "--compare", "--weights", network, "--device", "cpu", "--workers", 2)
    folders = ("-o", "{0}", "--save-faces", "faces/{0}", "--save-kernels", "kernels/{0}", "--jsonl", "{0}.jsonl")
    one = run_command(*arguments, *(word.format("one") for word in folders))
    many = run_command(*arguments, *(word.format("ray") for word in folders), "--engine", "ray")
    assert (one.exit_code, many.exit_code) == (1, 1)
    for folder in ("", "faces/", "kernels/"):
        assert contents(f"{folder}one") == contents(f"{folder}ray")
    assert "a_face1_kernel.png" in files("kernels/ray")
    assert "a.jpg" in contents("ray")
    assert words(one) == [line.replace("ray/", "one/") for line in words(many)]
    lines = [sorted(Path(f"{name}.jsonl").read_text().splitlines()) for name in ("one", "ray")]
    assert [line.partition('"seconds"')[0] for line in lines[0]] == [
        line.partition('"seconds"')[0].replace("ray/", "one/") for line in lines[1]
    ]


def test_photos_are_done_whose_worker_dies_and_the_one_that_kills_it_is_named(ray, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        photo(f"in/{number}.png")
    photo("in/once.png", red=DEADLY_ONCE)
    photo("in/deadly.png", red=DEADLY)
    Path("out").mkdir()
    Path("out/5.png").write_bytes(b"there before")
    records = {
        Path(record.source).name: record
        for record in deblur_photos(["in"], "out", deblurrer=MortalDeblurrer(tmp_path), workers=2, cpus=0.25)
    }
    assert Counter(record.status for record in records.values()) == {"restored": 6, "failed": 2}
    assert "the process that worked on it died each time" in records["deadly.png"].message
    assert "exists already" in records["5.png"].message
    assert Path("out/5.png").read_bytes() == b"there before"
    assert capfd.readouterr() == ("", "")
    assert files("out") == sorted(f"{name}.png" for name in ("0", "1", "2", "3", "4", "5", "once"))


def test_a_full_disk_stops_the_batch_and_what_is_done_stays(ray, tmp_path, monkeypatch):
    from snadnet.cluster.engine import deblur_on_ray  # noqa: PLC0415 (needs the extra)

    monkeypatch.chdir(tmp_path)
    for number in range(30):
        photo(f"in/{number:02d}.png")
    jobs, _ = plan(find_photos([Path("in")]).sources, Layout(out=Path("out")))
    stop = StopSignal()
    records = list(
        deblur_on_ray(jobs, MortalDeblurrer(tmp_path), DeblurOptions(), FullStorage(), stop=stop, workers=1, cpus=0.25)
    )
    assert stop.reason == "a full disk"
    assert [record.status for record in records] == ["restored", "failed"]
    assert files("out") == ["00.png"]


def test_photos_in_s3_become_results_in_s3(ray, s3, tmp_path, monkeypatch):
    from pyarrow.fs import S3FileSystem  # noqa: PLC0415 (needs the extra)

    monkeypatch.chdir(tmp_path)
    photo("in/a.png")
    photo("in/sub/b.png", red=20)
    filesystem = S3FileSystem(endpoint_override=s3, scheme="http", region="us-east-1")
    filesystem.delete_dir_contents("bucket")
    for name in files("in"):
        with filesystem.open_output_stream(f"bucket/in/{name}") as file:
            file.write(Path("in", name).read_bytes())
    query = f"?endpoint_override={s3}&scheme=http&region=us-east-1"
    options = {"deblurrer": MortalDeblurrer(tmp_path), "recursive": True, "workers": 1, "cpus": 0.25}
    records = list(deblur_photos([f"s3://bucket/in{query}"], f"s3://bucket/out{query}", **options))
    assert sorted(record.source for record in records) == ["s3://bucket/in/a.png", "s3://bucket/in/sub/b.png"]
    assert {record.status for record in records} == {"restored"}, records
    with filesystem.open_input_file("bucket/out/sub/b.png") as file:
        assert Image.open(io.BytesIO(file.read())).getpixel((0, 0))[0] == 255 - 20


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_ray_is_reached_from_this_machine_alone(ray):
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            local, state, inode = words[1], words[3], words[9]
            if state == "0A" and local.partition(":")[0] not in LOOPBACK:
                listening.add(f"socket:[{inode}]")
    for process in below(os.getpid()):
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            assert not (handle.is_symlink() and str(handle.readlink()) in listening), process


LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1 and ::1 as the kernel writes them."""


def below(process):
    children = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [*children, *(grandchild for child in children for grandchild in below(child))]
