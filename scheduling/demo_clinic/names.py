"""Invented names in the variety of a London street, and what to expect of them: accents, hyphens, length."""

from random import Random

# First and last names of one origin, each with its own list, so that most people are called as people are.
_ORIGINS = [
    (
        "Olivia, Amelia, Grace, Florence, Charlotte, Poppy, Harriet, George, Oscar, Mary-Jane, Beatrice, Edmund",
        "Marsh, Holloway, Whitcombe, Ashdown, Pemberton, Thistlewood, Garside, Featherstonehaugh, Lowe, Bright-Harris",
    ),
    (
        "Niamh, Saoirse, Aoife, Siobhán, Róisín, Cillian, Oisín, Bríd",
        "O'Sullivan, O'Connor, Ní Dhomhnaill, Gallagher, Mac Giolla Bhríde, Brennan, O'Shaughnessy",
    ),
    (
        "Angharad, Catrin, Ffion, Rhiannon, Eilidh, Mairi, Hamish, Gethin",
        "Llewellyn, Pryce, Prydderch, MacAllister, Fraser-Munro, Ap Rhys, Drummond",
    ),
    (
        "Priya, Ananya, Kavita, Sunita, Meera, Arjun, Lakshmi, Nandini, Venkata",
        "Sharma, Patel, Chatterjee, Raghunathan, Iyer, Kaur Gill, Venkatasubramanian, Desai",
    ),
    (
        "Ayesha, Fatima, Nusrat, Zainab, Sumaiya, Imran, Rukhsana, Maryam",
        "Rahman, Chowdhury, Begum, Siddiqui, Khan, Malik-Hussain, Ahmed",
    ),
    (
        "Adaeze, Chiamaka, Ngozi, Oluwaseun, Folasadé, Temitope, Efua, Kwabena, Ẹniọlá",
        "Okafor, Adeyemi, Ogunleye, Mensah, Nwosu-Clarke, Oluwatobiloba, Asante",
    ),
    (
        "Shanice, Jada, Marcia, Delroy, Kadeem, Rochelle, Yvonne",
        "Campbell, St. Hilaire, Beckford, Grant-Edwards, Lewin, Toussaint",
    ),
    (
        "Zofia, Agnieszka, Małgorzata, Katarzyna, Łukasz, Wioletta, Jagoda",
        "Wiśniewska, Kowalczyk, Dąbrowska, Żukowska, Nowak, Szczepańska-Wójcik",
    ),
    (
        "Lucía, Maria José, Inés, Begoña, Íñigo, Joana, Conceição, Thiago",
        "Muñoz, Fernández de la Vega, Gonçalves, Ibáñez, dos Santos, Peña, Araújo",
    ),
    (
        "Chiara, Giulia, Élodie, Anaïs, Margaux, François, Noël, Benedetta",
        "D'Angelo, De Luca, L'Écuyer, Beaumont, Rossi, Lefèvre, N'Diaye",
    ),
    (
        "Annika, Jürgen, Käthe, Astrid, Bjørn, Maren, Søren, Ylva, Wilhelmina",
        "Lindqvist, Møller, Müller-Lüdenscheid, van den Berg, Åkesson, Østergaard, Weiß",
    ),
    (
        "Eleni, Despina, Nikolaos, Elif, Gülşen, İpek, Yiannis",
        "Papadimitrakopoulos, Georgiou, Yıldırım, Öztürk, Çelik, Ioannidou",
    ),
    (
        "Mei, Xiu Ying, Wei, Jia-Hui, Siu-Fong, Haruka, Min-Seo, Thuỳ",
        "Li, Ng, Cheung, Zhāng, Tanaka, Wu, Nguyễn, Kim, Ōshima",
    ),
    (
        "Layla, Noor, Yasmin, Sa'ad, Hala, Shirin, Parisa, Darius",
        "Al-Masri, Haddad, El Khoury, Farahani, Ben Youssef, Hosseini",
    ),
    (
        "Miriam, Talia, Irina, Olena, Svetlana, Ana-Maria, Dragoș, Vesna",
        "Rosenfeld, Ben-Ami, Kovalenko, Petrović, Ionescu, Dvořáková, Horváth",
    ),
]
_LISTS = [tuple(tuple(part.split(", ")) for part in origin) for origin in _ORIGINS]


def invent_names(count: int, rng: Random) -> list[tuple[str, str]]:
    """So many different people, each by first and last name."""
    names: dict[tuple[str, str], None] = {}
    while len(names) < count:
        names[_invent_name(rng)] = None
    return list(names)


def _invent_name(rng: Random) -> tuple[str, str]:
    """Of one person in six, by marriage or by parents, the two names are of two origins."""
    given, family = rng.choice(_LISTS)
    if rng.random() < 1 / 6:
        family = rng.choice(_LISTS)[1]
    return rng.choice(given), rng.choice(family)
