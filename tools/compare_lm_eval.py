#!/usr/bin/env python3
"""Compares the log-likelihoods of `halftone eval --tasks` with EleutherAI's lm-evaluation-harness, item by item.

    compare_lm_eval.py make TEXT TASK.jsonl [--items 200]
    compare_lm_eval.py compare --model HF_DIR --halftone-model MODEL --task TASK.jsonl --work DIR --halftone ./halftone
    compare_lm_eval.py compare --server http://127.0.0.1:8080 --name NAME --halftone-model MODEL --task TASK.jsonl --work DIR

`make` needs the standard library only and always writes the same bytes: every item is a passage of the text with the words that follow it
and three other continuations from elsewhere in the text, of other lengths, so that the three accuracies differ. `compare` needs `lm_eval`
and `transformers` in its interpreter; HF_DIR must hold the weights that MODEL decodes to, in float32, and its tokenizer. With --server
the harness asks `halftone serve` instead (`lm_eval[api]`), so that the answers of the server and `halftone eval` are compared. Results:
DIR/lm_eval.json and DIR/halftone.jsonl; the exit status is 1 where a log-likelihood differs by more than --tolerance or a pick differs.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys

CONTEXT_WORDS = (8, 60)
CHOICE_WORDS = (3, 14)
CHOICES = 4


def make(args):
    words = re.split(r"(?<=\S)(?=\s)", args.text.read_text(encoding="utf-8"))  # a word keeps the white space before it
    draw = random.Random(1)
    last = len(words) - CONTEXT_WORDS[1] - CHOICE_WORDS[1]
    with args.out.open("w", encoding="utf-8", newline="\n") as out:
        for item in range(args.items):
            start = draw.randrange(last)
            middle = start + draw.randint(*CONTEXT_WORDS)
            gold = draw.randrange(CHOICES)
            begins = [middle if i == gold else draw.randrange(last) for i in range(CHOICES)]
            choices = ["".join(words[at:at + draw.randint(*CHOICE_WORDS)]).strip() for at in begins]
            # Every fourth context ends with white space, which has to move to the choice.
            context = "".join(words[start:middle]).strip() + (" " if item % 4 == 3 else "")
            out.write(json.dumps(dict(context=context, choices=choices, gold=gold), ensure_ascii=False) + "\n")


def harness(args):
    """Log-likelihoods and metrics of every item, by the harness' own task code."""
    import lm_eval
    import torch
    from lm_eval.api.task import ConfigurableTask

    torch.set_num_threads(args.threads)
    task = ConfigurableTask(config=dict(
        task="compared", dataset_path="json", dataset_kwargs=dict(data_files=dict(test=str(args.task.resolve()))), test_split="test",
        output_type="multiple_choice", doc_to_text="{{context}}", doc_to_choice="{{choices}}", doc_to_target="{{gold}}",
        metric_list=[dict(metric=name, aggregation="mean", higher_is_better=True) for name in ("acc", "acc_norm", "acc_bytes")]))
    if args.server:
        from lm_eval.models.openai_completions import LocalCompletionsAPI

        model = LocalCompletionsAPI(model=args.name, base_url=f"{args.server.rstrip('/')}/v1/completions", tokenizer_backend="remote",
                                    num_concurrent=1, batch_size=args.batch, max_length=args.length)
    else:
        from lm_eval.models.huggingface import HFLM

        model = HFLM(pretrained=str(args.model), dtype="float32", device="cpu", batch_size=1)
    results = lm_eval.evaluate(lm=model, task_dict={"compared": task}, log_samples=True, bootstrap_iters=0)
    samples = sorted(results["samples"]["compared"], key=lambda sample: sample["doc_id"])
    return dict(
        version=lm_eval.__version__,
        results={key: value for key, value in results["results"]["compared"].items() if isinstance(value, float)},
        items=[dict(log_likelihood=[float(reply[0][0]) for reply in sample["resps"]],
                    greedy=[str(reply[0][1]) == "True" for reply in sample["resps"]],
                    acc=sample["acc"], acc_norm=sample["acc_norm"], acc_bytes=sample.get("acc_bytes")) for sample in samples])


def compare(args):
    args.work.mkdir(parents=True, exist_ok=True)
    theirs_file, ours_file = args.work / "lm_eval.json", args.work / "halftone.jsonl"
    command = [args.halftone, "eval", args.halftone_model, "--tasks", f"custom:{args.task}", "--items", ours_file,
               "--threads", args.threads, "--json"]
    if args.server:
        command += ["--bos", "no"]  # the harness' remote tokenizer adds none, whatever add_bos_token says
    document = json.loads(subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout)
    figures = document["tasks"][0]
    if not (args.reuse and theirs_file.is_file()):
        theirs_file.write_text(json.dumps(harness(args), indent=1))
    theirs = json.loads(theirs_file.read_text())
    ours = [json.loads(line) for line in ours_file.read_text().splitlines()]
    if len(ours) != len(theirs["items"]):
        sys.exit(f"{len(ours)} items and {len(theirs['items'])}")

    largest, picks, greedy = 0.0, 0, 0
    for mine, other in zip(ours, theirs["items"]):
        largest = max([largest] + [abs(a - b) for a, b in zip(mine["log_likelihood"], other["log_likelihood"], strict=True)])
        greedy += mine["greedy"] != other["greedy"]
        picks += mine["pick"] != max(range(len(other["log_likelihood"])), key=lambda i: other["log_likelihood"][i])
        for pick, metric in (("pick", "acc"), ("pick_norm", "acc_norm"), ("pick_bytes", "acc_bytes")):
            if other[metric] is not None:
                picks += (mine[pick] == mine["gold"]) != bool(other[metric])
    print(f"lm_eval {theirs['version']}, {len(ours)} items: largest difference of a log-likelihood {largest:.3g} nats, "
          f"{picks} other picks, {greedy} other greedy flags")
    for key, value in sorted(theirs["results"].items()):
        own = figures.get(key.replace(",none", ""))
        print(f"  {key:24} {value:.6f}" + ("" if own is None else f"  halftone {own:.6f}"))
    sys.exit(1 if largest > args.tolerance or picks or greedy else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    maker = parts.add_parser("make", help="write a task")
    maker.add_argument("text", type=pathlib.Path)
    maker.add_argument("out", type=pathlib.Path)
    maker.add_argument("--items", type=int, default=200)
    maker.set_defaults(run=make)
    comparer = parts.add_parser("compare", help="score it with both")
    harnessed = comparer.add_mutually_exclusive_group(required=True)
    harnessed.add_argument("--model", type=pathlib.Path, help="Hugging Face directory in float32, for the harness")
    harnessed.add_argument("--server", help="address of `halftone serve`, which the harness asks with `local-completions`")
    comparer.add_argument("--name", help="what the server calls the model")
    comparer.add_argument("--length", type=int, default=512, help="of the server's context")
    comparer.add_argument("--batch", type=int, default=8, help="prompts of a request to the server")
    comparer.add_argument("--halftone-model", type=pathlib.Path, required=True, help="the same model for Halftone")
    comparer.add_argument("--task", type=pathlib.Path, required=True)
    comparer.add_argument("--work", type=pathlib.Path, required=True)
    comparer.add_argument("--halftone", default="./halftone")
    comparer.add_argument("--threads", type=int, default=2)
    comparer.add_argument("--tolerance", type=float, default=1e-3)
    comparer.add_argument("--reuse", action="store_true", help="do not run the harness again")
    comparer.set_defaults(run=compare)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
