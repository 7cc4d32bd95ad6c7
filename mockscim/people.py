"""Invented people at example.com, and their groups, for fixtures of any size.

Nobody here exists: given and family names of many cultures are combined by chance. The same numbers and seed
give the same bytes on every Python, as only ``Random.random`` is asked: its sequence is promised, that of
``choice`` is not.
"""

# ruff: noqa: RUF001 - names keep their own letters

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from mockscim.scim import urns

Document = dict[str, Any]

# Given names and family names, a culture a pair of lines. "美咲:Misaki" is a name and its Latin spelling:
# a culture with such names keeps to itself. "*" marks one that writes the family name first.
_CULTURES = """
Ann Ben Clara Daniel Emma George Hannah Oliver
Ashdown Barlow Carver Dunmore Ellery Fairfax Hartwell O'Brien Pemberton Whitlock Yardley
Aoife Ciarán Niamh Séamus Gráinne Pádraig Róisín Tadhg
Byrne Cassidy Doyle Fitzgerald Gallagher Kavanagh Mac_Giolla Ní_Dhuibhir O'Sullivan Quinlan Tierney
Chloé François Hélène Jérôme Maëlle Noël Océane Rémi
Aubert Bélanger Chevalier Delacroix Durand Fontaine Garçon Lefèvre Moreau Père Rousseau
Jürgen Käthe Lukas Sabine Götz Ulrike Wolfgang Annika
Bäcker Fischer Groß Hoffmann Köhler Lindner Müller Schäfer Strauß Vogel Zimmermann
Álvaro Begoña Íñigo Lucía Mateo Núria Sofía Xavier
Álvarez Castaño de_la_Cruz Fernández Ibáñez Muñoz Núñez Peña Quiñones Vázquez Zúñiga
Beatriz Gonçalo Inês João Luísa Simão Tainá Thiago
Araújo Brandão Conceição da_Silva Guimarães Lourenço Magalhães Nogueira Simões Teixeira Vilaça
Alessia Bruno Chiara Giosuè Letizia Niccolò Pietro Zoe
Bellini Conti D'Angelo Esposito Ferrari Gallo Lombardi Marchetti Ricci Santoro Vitale
Åsa Bjørn Freja Håkan Søren Þóra Mikkel Ylva
Ångström Bergström Dahl Eriksen Halvorsen Jónsdóttir Lindqvist Nygård Sjöberg Sørensen Ødegård
Agnieszka Bożena Łukasz Małgorzata Stanisław Ján Želmíra Zdeněk
Dvořák Jabłoński Kowalczyk Łukaszewicz Novák Pawłowska Říha Šimek Wiśniewska Zieliński Žák
Ayşe Çağla Emre Gökhan İpek Murat Oğuz Şule
Aydın Çelik Doğan Erdoğmuş Güneş Işık Kılıç Öztürk Şahin Yıldız Yücel
Amara Chidi Folasade Kwame Ngozi Thabo Wanjiru Zola
Abiodun Adeyemi Banda Dlamini Eze Kamau Mensah Mwangi Nkosi Okafor Owusu
Aisha Farid Khalil Layla Nadia Omar Samira Yusuf
Al-Amin Benali Darwish El-Sayed Haddad Khoury Mansour Nasser Rahimi Tahir Zaman
Anjali Dev Ishaan Kavya Meera Nikhil Priya Rohan
Acharya Bhattacharya Chatterjee Desai Gupta Iyer Kapoor Menon Patel Reddy Singh
Anh Bình Đức Hương Linh Quỳnh Tuấn Vy
Bùi Đặng Đỗ Hoàng Huỳnh Lê Nguyễn Phạm Phan Trần Võ
Ана:Ana Бојан:Bojan Вера:Vera Горан:Goran Драгана:Dragana Љубица:Ljubica Милош:Milos Тамара:Tamara
Антић:Antic Богданов:Bogdanov Јовић:Jovic Костић:Kostic Лазић:Lazic Марић:Maric Николић:Nikolic Савић:Savic
*美咲:Misaki 健太:Kenta 陽子:Yoko 大輔:Daisuke 結衣:Yui 翔:Sho 直美:Naomi 蓮:Ren
佐藤:Sato 高橋:Takahashi 田中:Tanaka 渡辺:Watanabe 小林:Kobayashi 加藤:Kato 山田:Yamada 森:Mori 岡本:Okamoto
"""

# A department a line: name | titles.
_DEPARTMENTS = """
Engineering | Software Engineer, Senior Software Engineer, Site Reliability Engineer, Test Engineer
Sales | Account Executive, Sales Engineer, Regional Sales Manager
Marketing | Content Strategist, Campaign Manager, Designer
Finance | Accountant, Controller, Payroll Specialist
Support | Support Engineer, Support Specialist, Knowledge Writer
Product | Product Manager, Product Analyst, User Researcher
People | Recruiter, People Partner, Learning Coordinator
Legal | Counsel, Contracts Specialist
Operations | Operations Analyst, Facilities Coordinator, Buyer
Data | Data Analyst, Data Engineer, Data Scientist
"""
_LOCATIONS = ("Lisbon", "Nairobi", "Osaka", "Toronto", "Zürich", "São Paulo", "Kraków", "Wellington")
_PROJECTS = ("Alder", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Rowan", "Willow")
_SPAN = 8  # people who report to one manager
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "Þ": "Th"})


def generate(users: int, groups: int, seed: int) -> Document:
    """A fixture document of so many invented users and groups; ValueError for a negative number.

    From three groups on one is nested (its members are groups), from four on one is empty.
    """
    company = _Company(users, groups, seed)
    return {
        "description": f"{users} invented people and {groups} groups, seed {seed}",
        "users": list(company.users()),
        "groups": list(company.groups()),
    }


def generate_ndjson(users: int, groups: int, seed: int) -> Iterator[bytes]:
    """The same users and groups as NDJSON, a line at a time, for numbers better not held in memory."""
    company = _Company(users, groups, seed)
    return (orjson.dumps(resource) + b"\n" for make in (company.users, company.groups) for resource in make())


def departments() -> list[str]:
    """The departments that there are, the largest first."""
    return [line.partition("|")[0].strip() for line in _DEPARTMENTS.strip().splitlines()]


@dataclass
class _Name:
    text: str
    latin: str


@dataclass
class _Culture:
    given: list[_Name]
    family: list[_Name]
    apart: bool
    family_first: bool


@dataclass
class _Group:
    display_name: str
    members: list[str] = field(default_factory=list)


def _cultures() -> list[_Culture]:
    lines = _CULTURES.strip().splitlines()
    return [
        _Culture(_names(given.removeprefix("*")), _names(family), ":" in given, given.startswith("*"))
        for given, family in zip(lines[::2], lines[1::2], strict=True)
    ]


def _names(text: str) -> list[_Name]:
    made = []
    for word in text.split():
        name, _, latin = word.replace("_", " ").partition(":")
        made.append(_Name(name, _latin(latin or name)))
    return made


def _latin(name: str) -> str:
    """The name in the letters a-z: "de la Cruz" is "delacruz", "Strauß" is "strauss"."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha()).lower()


class _Company:
    """One run of the generator. Users come first: they note in ``members`` who belongs where."""

    def __init__(self, users: int, groups: int, seed: int) -> None:
        if users < 0 or groups < 0:
            raise ValueError("the numbers of users and groups cannot be negative")
        self.count, self.seed = users, seed
        self.cultures = _cultures()
        self.departments = [
            (name.strip(), [title.strip() for title in titles.split(",")])
            for name, titles in (line.split("|") for line in _DEPARTMENTS.strip().splitlines())
        ]
        self.mixing = [culture for culture in self.cultures if not culture.apart]
        self.plan(groups)

    def plan(self, count: int) -> None:
        """Name the groups: a department, a location, a project in turn, while there are any."""
        self.by_department: dict[str, _Group] = {}
        self.by_location: dict[str, _Group] = {}
        self.projects: list[_Group] = []
        self.nested = _Group("Everyone on site") if count > 2 else None
        self.empty = _Group("Alumni") if count > 3 else None
        self.planned: list[_Group] = []
        for number in range(count - (self.nested is not None) - (self.empty is not None)):
            turn = number % 3
            if turn == 0 and len(self.by_department) < len(self.departments):
                name = self.departments[len(self.by_department)][0]
                group = self.by_department[name] = _Group(name)
            elif turn == 1 and len(self.by_location) < len(_LOCATIONS):
                name = _LOCATIONS[len(self.by_location)]
                group = self.by_location[name] = _Group(f"{name} office")
            else:
                again, index = divmod(len(self.projects), len(_PROJECTS))
                group = _Group(f"Project {_PROJECTS[index]}" + (f" {again + 1}" if again else ""))
                self.projects.append(group)
            self.planned.append(group)

    def id(self, kind: str, number: int) -> str:
        """A UUID of version 4's shape, computed: a manager's id need not be remembered."""
        digest = hashlib.blake2b(f"{self.seed} {kind} {number}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"

    def users(self) -> Iterator[Document]:
        chance = random.Random(self.seed).random  # noqa: S311 - repeatable on purpose, and no secret
        taken: dict[str, int] = {}
        staff: dict[str, list[int]] = {name: [] for name, _ in self.departments}
        for number in range(self.count):
            given, family, family_first = self.name(chance(), chance(), chance(), chance())
            base = f"{given.latin}.{family.latin}"
            taken[base] = times = taken.get(base, 0) + 1
            user_name = f"{base}{times if times > 1 else ''}@example.com"
            # Departments shrink down the list, as real ones do: Engineering is the largest.
            department, titles = self.departments[int(chance() ** 1.5 * len(self.departments))]
            colleagues = staff[department]
            title = titles[int(chance() * len(titles))] if colleagues else f"Head of {department}"
            if number == 0:
                title = "Chief Executive"
            active = chance() >= 0.03
            contractor = chance() < 0.05
            boss = colleagues[(len(colleagues) - 1) // _SPAN] if colleagues else 0
            enterprise: Document = {"employeeNumber": str(100001 + number), "department": department}
            if number and not contractor:
                enterprise["manager"] = {"value": self.id("user", boss)}
            display = f"{family.text} {given.text}" if family_first else f"{given.text} {family.text}"
            self.join(user_name, department, chance(), chance(), chance())
            colleagues.append(number)
            yield {
                "schemas": [urns.USER, urns.ENTERPRISE_USER],
                "id": self.id("user", number),
                "externalId": f"hr-{number + 1:06d}",
                "userName": user_name,
                "displayName": display,
                "name": {"formatted": display, "familyName": family.text, "givenName": given.text},
                "active": active,
                "title": title,
                "emails": [{"value": user_name, "type": "work", "primary": True}],
                urns.ENTERPRISE_USER: enterprise,
            }

    def name(self, culture: float, given: float, family: float, mixed: float) -> tuple[_Name, _Name, bool]:
        """Given and family name, and whether the family name is written first; one in five mixes cultures."""
        own = self.cultures[int(culture * len(self.cultures))]
        families = own.family
        if mixed < 0.2 and not own.apart:
            families = self.mixing[int(mixed * 5 * len(self.mixing))].family
        return own.given[int(given * len(own.given))], families[int(family * len(families))], own.family_first

    def join(self, user_name: str, department: str, place: float, projects: float, which: float) -> None:
        """Put a user into the groups there are: own department, own location, none to two projects."""
        for group in (
            self.by_department.get(department),
            self.by_location.get(_LOCATIONS[int(place * len(_LOCATIONS))]),
        ):
            if group is not None:
                group.members.append(user_name)
        total = len(self.projects)
        first = int(which * total)
        for step in range(min(int(projects * 3), total)):
            self.projects[(first + step) % total].members.append(user_name)

    def groups(self) -> Iterator[Document]:
        if self.nested is not None:
            self.nested.members = [group.display_name for group in self.planned[:3]]
        special = [group for group in (self.nested, self.empty) if group is not None]
        for number, group in enumerate(self.planned + special):
            yield {
                "schemas": [urns.GROUP],
                "id": self.id("group", number),
                "displayName": group.display_name,
                "members": group.members,
            }
