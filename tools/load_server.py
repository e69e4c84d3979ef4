#!/usr/bin/env python3
"""Times a server that speaks OpenAI's interface: time to the first token and tokens a second, by number of clients.

    load_server.py http://127.0.0.1:8080 [--clients 1,4,16] [--requests 4] [--prompt-words 60] [--tokens 64] [--json]

Every client sends its requests one after the other to /v1/completions with "stream": true; each prompt differs, so that no server can keep
one. Needs Python 3 and nothing else. First-token times are from the sending of the request to its first piece of text.
"""
import argparse
import http.client
import json
import random
import statistics
import threading
import time
import urllib.parse

WORDS = "the of and to in a is that for it was on are as with his they at be this from have or by one had not but what all".split()


def prompt(number, words):
    draw = random.Random(number)
    return " ".join(draw.choice(WORDS) for _ in range(words))


def model(address, headers):
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=600)
    connection.request("GET", "/v1/models", headers=headers)
    return json.load(connection.getresponse())["data"][0]["id"]


def one(address, headers, body):
    """Seconds to the first piece of text, seconds in all, tokens."""
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=600)
    start = time.perf_counter()
    connection.request("POST", "/v1/completions", body=json.dumps(body), headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"{response.status}: {response.read().decode()}")
    first, tokens = None, 0
    for line in response:
        if not line.startswith(b"data: ") or line.strip() == b"data: [DONE]":
            continue
        event = json.loads(line[6:])
        if "error" in event:
            raise SystemExit(event["error"]["message"])
        if first is None and any(choice["text"] for choice in event["choices"]):
            first = time.perf_counter() - start
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
    return first if first is not None else time.perf_counter() - start, time.perf_counter() - start, tokens


def load(address, headers, name, clients, args):
    results, lock = [], threading.Lock()

    def client(number):
        for i in range(args.requests):
            body = dict(model=name, prompt=prompt(clients * 1000 + number * 100 + i, args.prompt_words), max_tokens=args.tokens,
                        temperature=0.8, seed=i, stream=True, stream_options=dict(include_usage=True))
            result = one(address, headers, body)
            with lock:
                results.append(result)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    firsts = sorted(first for first, _, _ in results)
    return dict(clients=clients, requests=len(results), seconds=seconds, tokens=sum(tokens for _, _, tokens in results),
                tokens_per_second=sum(tokens for _, _, tokens in results) / seconds,
                first_token_seconds_median=statistics.median(firsts), first_token_seconds_max=firsts[-1],
                tokens_per_second_of_a_client=statistics.median(
                    (tokens - 1) / (whole - first) for first, whole, tokens in results if tokens > 1 and whole > first))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--clients", default="1,4,16")
    parser.add_argument("--requests", type=int, default=4, help="of each client")
    parser.add_argument("--prompt-words", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--api-key", default="none")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    address = urllib.parse.urlparse(args.url)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + args.api_key}
    name = model(address, headers)
    one(address, headers, dict(model=name, prompt="warm up", max_tokens=4, stream=True))
    rows = [load(address, headers, name, int(clients), args) for clients in args.clients.split(",")]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{name}: prompts of {args.prompt_words} words, up to {args.tokens} tokens, {args.requests} requests a client")
    print("| clients | first token, median | first token, longest | tokens/s, all | tokens/s, each |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['clients']} | {row['first_token_seconds_median']:.3f} s | {row['first_token_seconds_max']:.3f} s "
              f"| {row['tokens_per_second']:.1f} | {row['tokens_per_second_of_a_client']:.1f} |")


main()
