#!/usr/bin/env python3
"""A sweep over parameters: how few contacts keep an epidemic within the beds that there are?

    bramble local --agents 4 -- ./sweep.py > sweep.csv

A simple model (susceptible, infected, recovered; by the hour) runs on the nodes for each pair of contacts a day and days
of illness. Standard output is a table, standard error the answer.
"""

import csv
import sys
from typing import NamedTuple

from bramble import Executor

PEOPLE = 100_000
BEDS = 8_000
HOURS = 300 * 24
CONTACTS = [0.05 * n for n in range(2, 13)]  # a day, of those that pass it on
DAYS_ILL = [4, 6, 8, 10]


class Run(NamedTuple):
    contacts: float
    days_ill: float
    peak: int
    ever_ill: int


def run(contacts, days_ill):
    susceptible, infected = PEOPLE - 10.0, 10.0
    peak = infected
    for _ in range(HOURS):
        caught = contacts / 24 * susceptible * infected / PEOPLE
        recovered = infected / (24 * days_ill)
        susceptible -= caught
        infected += caught - recovered
        peak = max(peak, infected)
    return Run(contacts, days_ill, round(peak), round(PEOPLE - susceptible))


def main():
    with Executor() as executor:
        futures = [executor.submit(run, contacts, days) for days in DAYS_ILL for contacts in CONTACTS]
        runs = [future.result() for future in futures]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(Run._fields)
    for each in runs:
        table.writerow([f"{each.contacts:.2f}", *each[1:]])
    for days in DAYS_ILL:
        most = max((each.contacts for each in runs if each.days_ill == days and each.peak <= BEDS), default=0)
        print(f"ill for {days} days: at most {most:.2f} contacts a day", file=sys.stderr)


if __name__ == "__main__":
    main()
