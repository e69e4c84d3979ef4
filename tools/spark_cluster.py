#!/usr/bin/env python3
"""Runs a study on a real Apache Spark cluster of this machine, and compares every figure with a run without Spark.

    spark_cluster.py --spark-home DIR --work DIR kill    [--study STUDY.yaml] [--seed 1]
    spark_cluster.py --spark-home DIR --work DIR overhead [--draws 1]
    spark_cluster.py --spark-home DIR --work DIR scaling  [--draws 1]

Starts a master and two workers with one core each, on the loopback interface, as processes of the Spark distribution in --spark-home (the
folder of PyPI's `pyspark` 4.2.0 is one), and ends them by their process ids. --work must not exist; it is removed if all is well.

kill: two workers, of which one is killed with signal 9, together with its executors, at a random moment; then another cluster run whose
driver is killed so, and that is started again. Exits with 1 unless no cell was lost and all figures are equal.
overhead: the cells of two models, two at a time with one thread each: without Spark (two commands at once, one for each model), then on
local[2]. scaling: the same cells on one worker and on two, each bound to a core of its own (Linux), so that Java's compiler and collector of the
one do not run on the other's. Both print seconds of the whole command, seconds until the first job ended
(start of Java and Spark, draws, maps and that job), cells per second from then to the end of the last job, and the
processor time of the command, which on a machine that other work shares says more than seconds do.

Standard library only.
"""
import argparse
import csv
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

STUDY = """\
study: spark
models: ["zoo:llama-nano"]
recipes: {gptq-w4: gptq-w4g64, gptq-w3: gptq-w3g64, gptq-w2: gptq-w2g64}
calibration:
  samples: 16
  length: 256
  draws: DRAWS
  sets:
    speeches: {text: CORPUS/sotu.calibration.txt}
    novel: {text: CORPUS/moby-dick.calibration.txt}
evaluate:
  - perplexity: {text: CORPUS/sotu.test.txt, length: 256, chunks: 16}
analyse: {sets: [speeches], samples: 1}
"""

MODELS = ["zoo:llama-nano", "zoo:llama-nano+outliers(g=32,channels=6)"]

# Columns that depend on the clock or on the process.
UNEQUAL = {"quantize_seconds", "evaluate_seconds", "peak_memory_bytes", "provenance"}


class Cluster:
    """A master, and workers that are added to it."""

    def __init__(self, home, directory):
        self.home = home
        self.directory = directory
        self.processes = []
        directory.mkdir(parents=True)
        self.master = self.start("master", ["org.apache.spark.deploy.master.Master"])
        self.url = self.awaited("master", r"Starting Spark master at (spark://\S+)")

    def start(self, name, line, core=None):
        environment = dict(os.environ, SPARK_HOME=str(self.home), SPARK_LOCAL_IP="127.0.0.1", SPARK_WORKER_DIR=str(self.directory / name))
        environment["JAVA_HOME"] = java_home()
        # On a busy machine a process that waits for its turn is not dead.
        environment["SPARK_MASTER_OPTS"] = "-Dspark.worker.timeout=600"
        # What a process starts inherits its core.
        pinned = ["taskset", "--cpu-list", str(core)] if core is not None else []
        with open(self.directory / f"{name}.log", "w") as log:
            process = subprocess.Popen(
                [*pinned, str(self.home / "bin" / "spark-class"), *line, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"],
                stdout=log, stderr=log, env=environment, start_new_session=True)
        self.processes.append(process)
        return process

    def add_worker(self, core=None):
        name = f"worker{len(self.processes)}"
        # Options follow the master's address in any order; the address is the one argument without a name.
        worker = self.start(name, ["org.apache.spark.deploy.worker.Worker", self.url, "--cores", "1", "--memory", "2g"], core)
        self.awaited(name, "Successfully registered with master")
        return worker

    def awaited(self, name, pattern):
        file = self.directory / f"{name}.log"
        for _ in range(600):
            found = re.search(pattern, file.read_text())
            if found:
                return found.group(found.lastindex or 0)
            time.sleep(0.1)
        raise SystemExit(f"{name} did not start; see {file}")

    def kill(self, process):
        """A worker starts its executors in its own process group: all are gone at once, as when a machine fails."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.kill(process)


def java_home():
    return subprocess.run(["sh", str(ROOT / "tools" / "find-jdk.sh")], capture_output=True, text=True, check=True).stdout.strip()


class Study:
    """`halftone study` in a process of its own; notes when each job ends."""

    def __init__(self, file, out, *more):
        options = "-Dspark.driver.host=127.0.0.1 -Dspark.driver.bindAddress=127.0.0.1 -Dspark.executor.memory=1g -Dspark.network.timeout=600s"
        self.begun = time.monotonic()
        self.out = out
        self.ends = []
        self.lines = []
        # The launcher's exec makes the Java process this child itself.
        self.process = subprocess.Popen(
            [str(ROOT / "halftone"), "study", str(file), "--out", str(out), "--export", "csv", *map(str, more)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ, HALFTONE_JAVA_OPTS=options))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.match(r"(\d+)/(\d+) ", line)
            if found:
                self.ends.append((time.monotonic(), int(found.group(1)), int(found.group(2))))

    def wait_for(self, share):
        """Until that share of the cells is done."""
        while self.process.poll() is None and not (self.ends and self.ends[-1][1] >= share * self.ends[-1][2]):
            time.sleep(0.01)
        if self.process.poll() is not None:
            raise SystemExit("the study ended too soon:\n" + "".join(self.lines))

    def finish(self):
        # Java's compilers and collectors count too; executors of a cluster are no children of the command.
        _, status, usage = os.wait4(self.process.pid, 0)
        code = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.processor = usage.ru_utime + usage.ru_stime
        self.seconds = time.monotonic() - self.begun
        self.reader.join()
        if code != 0:
            raise SystemExit(f"the study ended with {code}:\n" + "".join(self.lines))
        return self

    def rate(self):
        """Cells per second between the first job that ended and the last."""
        (first, before, _), (last, after, _) = self.ends[0], self.ends[-1]
        return (after - before) / (last - first)

    def rows(self):
        with open(self.out / "export" / "results.csv", newline="") as file:
            return sorted(tuple((k, v) for k, v in sorted(row.items()) if k not in UNEQUAL) for row in csv.DictReader(file))


def study_file(args, draws):
    if getattr(args, "study", None):
        return args.study.resolve()
    file = args.work / "study.yaml"
    file.write_text(STUDY.replace("DRAWS", str(draws)).replace("CORPUS", str(ROOT / "corpus")))
    return file


def kill(args):
    chance = random.Random(args.seed)
    file = study_file(args, 3)
    plain = Study(file, args.work / "plain").finish()
    with Cluster(args.spark_home, args.work / "cluster") as cluster:
        workers = [cluster.add_worker(), cluster.add_worker()]
        share = chance.uniform(0.1, 0.6)
        study = Study(file, args.work / "worker", "--master", cluster.url)
        study.wait_for(share)
        time.sleep(chance.uniform(0, 1))
        cluster.kill(chance.choice(workers))
        study.finish()
        lost = (args.work / "worker" / "spark.log").read_text().count("Lost executor")
        same = study.rows() == plain.rows()
        print(f"worker killed after {share:.0%} of the cells: {lost} executor lost, {len(study.rows())} rows, equal: {same}", flush=True)
        failed = lost != 1 or not same

        cluster.add_worker()
        share = chance.uniform(0.1, 0.6)
        study = Study(file, args.work / "driver", "--master", cluster.url)
        study.wait_for(share)
        time.sleep(chance.uniform(0, 1))
        study.process.kill()
        study.process.wait()
        study.reader.join()
        done, total = study.ends[-1][1:]
        again = Study(file, args.work / "driver", "--master", cluster.url).finish()
        left = again.ends[-1][2]
        same = again.rows() == plain.rows()
        print(f"driver killed after {done} of {total} cells: {total - left} kept, {left} computed by the next run, equal: {same}")
        failed |= total - left < done or not same
    print("DIFFERENT" if failed else "all figures equal the run without Spark")
    return failed


def told(name, studies):
    """Prints what studies took that ran at the same time, and returns the seconds of a cell."""
    wall = max(study.begun + study.seconds for study in studies) - min(study.begun for study in studies)
    first = min(study.ends[0][0] - study.begun for study in studies)
    rate = sum(study.rate() for study in studies)
    cells = sum(study.ends[-1][1] for study in studies)
    processor = sum(study.processor for study in studies)
    print(f"{name:24} {cells:3} cells in {wall:6.1f} s, the first job after {first:5.1f} s, then {rate:6.3f} cells/s; "
          f"{processor:.1f} s of processor time", flush=True)
    return 1 / rate


def overhead(args):
    file = study_file(args, args.draws)
    plain = [Study(file, args.work / f"plain{i}", "--threads", 1, "--model", model) for i, model in enumerate(MODELS)]
    for study in plain:
        study.finish()
    without = told("two commands, 1 thread", plain)
    spark = Study(file, args.work / "local", "--master", "local[2]", *both()).finish()
    with_spark = told("local[2]", [spark])
    processor = spark.processor / sum(study.processor for study in plain)
    print(f"a cell on local[2] takes {with_spark / without:.3f} x the time; the command {processor:.3f} x the processor time")
    failed = sorted(plain[0].rows() + plain[1].rows()) != spark.rows()
    print("DIFFERENT" if failed else "all figures are equal")
    return failed


def both():
    return [word for model in MODELS for word in ("--model", model)]


def scaling(args):
    file = study_file(args, args.draws)
    seconds = []
    rows = []
    for workers in (1, 2):
        with Cluster(args.spark_home, args.work / f"cluster{workers}") as cluster:
            for core in range(workers):
                cluster.add_worker(core)
            study = Study(file, args.work / f"workers{workers}", "--master", cluster.url, *both()).finish()
            seconds.append(told(f"{workers} worker(s)", [study]))
            rows.append(study.rows())
    print(f"two workers have {seconds[0] / seconds[1]:.3f} x the throughput of one")
    failed = rows[0] != rows[1]
    print("DIFFERENT" if failed else "all figures are equal")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spark-home", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("kill")
    mode.add_argument("--study", type=pathlib.Path)
    mode.add_argument("--seed", type=int, default=1)
    for name in ("overhead", "scaling"):
        mode = modes.add_parser(name)
        mode.add_argument("--draws", type=int, default=1)
    args = parser.parse_args()
    args.spark_home = args.spark_home.resolve()
    args.work = args.work.resolve()
    args.work.mkdir(parents=True)
    failed = {"kill": kill, "overhead": overhead, "scaling": scaling}[args.mode](args)
    if not failed:
        shutil.rmtree(args.work)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
