#!/usr/bin/env python3
"""Runs a study on a real Apache Spark cluster of this machine, and compares every figure with a run without Spark.

    spark_cluster.py --spark-home DIR --work DIR kill    [--study STUDY.yaml] [--seed 1]
    spark_cluster.py --spark-home DIR --work DIR scaling [--repeats 1]

Starts a master and two workers with one core each, on the loopback interface, as processes of the Spark distribution in --spark-home (the
folder of PyPI's `pyspark` 4.2.0 is one), and ends them by their process ids. --work must not exist; it is removed if all is well.

kill: two workers, of which one is killed with signal 9, together with its executors, at a random moment; then another cluster run whose
driver is killed so, and that is started again. Exits with 1 unless no cell was lost and all figures are equal.
scaling: one thread per cell; without Spark on one and on two threads, on local[2], on one worker, on two. Prints seconds and cells per
second, of the whole command and between the first job that ended and the last.

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
recipes: {gptq-w4: gptq-w4g64, gptq-w3: gptq-w3g64, gptq-w2: gptq-w2g64, awq-w3: awq-w3g64}
calibration:
  samples: 16
  length: 256
  draws: DRAWS
  sets:
    speeches: {text: CORPUS/sotu.calibration.txt}
    novel: {text: CORPUS/moby-dick.calibration.txt}
evaluate:
  - perplexity: {text: CORPUS/sotu.test.txt, length: 256, chunks: 24}
analyse: {sets: [speeches], samples: 1}
"""

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

    def start(self, name, line):
        environment = dict(os.environ, SPARK_HOME=str(self.home), SPARK_LOCAL_IP="127.0.0.1", SPARK_WORKER_DIR=str(self.directory / name))
        environment["JAVA_HOME"] = java_home()
        with open(self.directory / f"{name}.log", "w") as log:
            process = subprocess.Popen(
                [str(self.home / "bin" / "spark-class"), *line, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"],
                stdout=log, stderr=log, env=environment, start_new_session=True)
        self.processes.append(process)
        return process

    def add_worker(self):
        name = f"worker{len(self.processes)}"
        # Options follow the master's address in any order; the address is the one argument without a name.
        worker = self.start(name, ["org.apache.spark.deploy.worker.Worker", self.url, "--cores", "1", "--memory", "2g"])
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
        options = "-Dspark.driver.host=127.0.0.1 -Dspark.driver.bindAddress=127.0.0.1 -Dspark.executor.memory=1g"
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
        code = self.process.wait()
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
        print(f"worker killed after {share:.0%} of the cells: {len(study.rows())} rows, {lost} executor lost")
        failed = lost != 1 or study.rows() != plain.rows()

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
        print(f"driver killed after {done} of {total} cells: {total - left} kept, {left} computed by the next run")
        failed |= total - left < done or again.rows() != plain.rows()
    print("DIFFERENT" if failed else "all figures equal the run without Spark")
    return failed


def scaling(args):
    file = study_file(args, 4)
    failed = False

    def told(name, study):
        print(f"{name:28} {study.seconds:7.1f} s  {study.rate():6.3f} cells/s between the first and the last job", flush=True)
        return study.rows()

    for repeat in range(args.repeats):
        def out(name):
            return args.work / f"{name}-{repeat}"

        expected = told("plain, 1 thread", Study(file, out("plain1"), "--threads", 1).finish())
        failed |= told("plain, 2 threads", Study(file, out("plain2"), "--threads", 2).finish()) != expected
        failed |= told("local[2]", Study(file, out("local"), "--master", "local[2]").finish()) != expected
        for workers in (1, 2):
            with Cluster(args.spark_home, out(f"cluster{workers}")) as cluster:
                for _ in range(workers):
                    cluster.add_worker()
                run = Study(file, out(f"workers{workers}"), "--master", cluster.url).finish()
                failed |= told(f"standalone, {workers} worker(s)", run) != expected
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
    mode = modes.add_parser("scaling")
    mode.add_argument("--repeats", type=int, default=1)
    args = parser.parse_args()
    args.spark_home = args.spark_home.resolve()
    args.work = args.work.resolve()
    args.work.mkdir(parents=True)
    failed = {"kill": kill, "scaling": scaling}[args.mode](args)
    if not failed:
        shutil.rmtree(args.work)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
