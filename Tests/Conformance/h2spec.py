"""What RFC 9113 and RFC 7541 ask of a server, tried frame by frame: the 147 cases of h2spec in strict mode, with its numbers.

Tries Sluice over h2c and over TLS, or a server that runs already. One line a case; exit 1 when one failed. With --exact, what the RFCs merely
allow is a failure too: closing without GOAWAY, another code than asked for, GOAWAY without closing, an answer other than 200.
"""
import argparse
import sys

from place import Failure, Place
from verdict import Conversation
from wire import Address, Closed, Silence, Wrong
import cases
import cases_generic  # noqa: F401  each adds its own
import cases_frames  # noqa: F401
import cases_messages  # noqa: F401
import cases_hpack  # noqa: F401


def attempt(case, address, options):
    """Nil and a remark, or what was wrong."""
    try:
        with Conversation(address, options.patience) as c:
            c.exact = options.exact
            if case.greets:
                c.open()
            return None, case.run(c) or ""
    except (Wrong, AssertionError) as wrong:
        return str(wrong), ""
    except (Closed, Silence, OSError) as end:
        return f"{type(end).__name__.lower()}: {end}", ""


def run_all(address, options):
    chosen = [case for case in cases.ALL if not options.match or any(word in f"{case.name} {case.words}" for word in options.match)]
    failed = 0
    for case in chosen:
        wrong, remark = attempt(case, address, options)
        failed += wrong is not None
        if wrong is not None:
            print(f"FAILED  {case.name}  {case.words}: {wrong}", flush=True)
        elif not options.quiet:
            print(f"ok      {case.name}  {case.words}" + (f"  ({remark})" if remark else ""))
    print(f"{'TLS' if address.tls else 'h2c'}: {len(chosen)} cases, {failed} failed", flush=True)
    return failed


def run_peer(options):
    with Place() as place:
        process = place.serve(options.server)
        failed = sum(run_all(address, options) for address in (place.plain, place.secure) if options.only in (None, "tls" if address.tls else "h2c"))
        if process.poll() is not None:
            raise Failure(f"{options.server} ended with {process.returncode}")
        return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("match", nargs="*", help="only cases whose name or words contain one of these")
    parser.add_argument("--server", choices=["sluice", "haproxy", "nghttpx"], default="sluice", help="which to start")
    parser.add_argument("--only", choices=["h2c", "tls"])
    parser.add_argument("--port", type=int, help="of a server on 127.0.0.1 that runs already")
    parser.add_argument("--tls", action="store_true", help="at that port")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="failures and sums only")
    parser.add_argument("--patience", type=float, default=5, help="seconds for each expectation")
    options = parser.parse_args()
    try:
        failed = run_all(Address(options.port, options.tls), options) if options.port else run_peer(options)
    except Failure as failure:
        sys.exit(f"h2spec: {failure}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
