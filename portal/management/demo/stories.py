"""Who the demo clinic's patients are: made up by us, no real person.

Each story is a person a few days after an operation, with what they take, what they practise and
what they write. Times are days after the operation; the generator (`clinic.py`) turns them into
dates that end today, so that the demo is always in the middle of things.
"""

from portal.management.demo.story import Line, Story, Talk

PARACETAMOL = ("Paracetamol 500 mg tablet", "1 to 2 tablets up to 4 times a day")
IBUPROFEN = ("Ibuprofen 400 mg tablet", "1 tablet 3 times a day with food")
ENOXAPARIN = ("Enoxaparin 40 mg injection", "1 injection each evening")
OMEPRAZOLE = ("Omeprazole 20 mg capsule", "1 capsule each morning")
AMLODIPINE = ("Amlodipine 5 mg tablet", "1 tablet each morning")
METFORMIN = ("Metformin 500 mg tablet", "1 tablet twice a day with food")
ASPIRIN = ("Aspirin 81 mg tablet", "1 tablet each day")
BISOPROLOL = ("Bisoprolol 2.5 mg tablet", "1 tablet each morning")

KNEE_EXERCISES = (
    ("Knee bends, lying down", "10 times, 3 rounds, morning and evening"),
    ("Straight leg raises", "10 times, 3 rounds"),
    ("Walk indoors with your crutches", "5 minutes, 4 times a day"),
)
HIP_EXERCISES = (
    ("Ankle pumps", "20 times each hour while awake"),
    ("Slide your heel toward you", "10 times, 3 rounds"),
    ("Walk with your frame", "5 minutes, 4 times a day"),
)
BELLY_EXERCISES = (
    ("Deep breaths", "10 slow breaths each hour while awake"),
    ("Short walk", "10 minutes, 3 times a day"),
)
HEART_EXERCISES = (
    ("Deep breaths with your pillow", "10 slow breaths each hour while awake"),
    ("Walk on the flat", "10 minutes, twice a day"),
)
SHOULDER_EXERCISES = (
    ("Pendulum swings", "2 minutes, 3 times a day"),
    ("Squeeze the ball", "15 times, 3 rounds"),
)

ANA = Story(
    "Ana Ruiz",
    "4471",
    "1964-03-02",
    "female",
    "Total replacement of left knee joint",
    "609588000",
    "Osteoarthritis of left knee",
    "239873007",
    6,
    (PARACETAMOL, IBUPROFEN, ENOXAPARIN, OMEPRAZOLE),
    KNEE_EXERCISES,
    pulse=78,
    systolic=132,
    diastolic=82,
    weight=71.4,
    talks=(
        Talk(
            "wound",
            "Dressing feels wet",
            (
                Line(30.0, False, "Hello. My bandage feels a bit wet on one side. Is that normal?"),
                Line(
                    28.5,
                    True,
                    "Hello Ana. A little clear or pink fluid is normal in the first week. Please"
                    " call us if it is yellow, smells, or soaks through within an hour.",
                ),
                Line(28.0, False, "It is clear. Thank you, that helps."),
            ),
        ),
        Talk(
            "exercise",
            "How far should I bend?",
            (
                Line(5.2, False, "I can bend my knee to about a right angle. Should I go further?"),
                Line(
                    3.1,
                    True,
                    "A right angle on day 6 is very good. Go as far as it pulls, not as far as it"
                    " hurts. Ice it for 15 minutes after.",
                ),
            ),
        ),
    ),
)

STORIES: tuple[Story, ...] = (
    ANA,
    Story(
        "Ben Cho",
        "4488",
        "1957-11-19",
        "male",
        "Total replacement of right hip joint",
        "52734007",
        "Osteoarthritis of right hip",
        "239872002",
        4,
        (PARACETAMOL, ENOXAPARIN, AMLODIPINE),
        HIP_EXERCISES,
        pulse=82,
        systolic=146,
        diastolic=88,
        weight=83.0,
        trouble="fever",
        talks=(
            Talk(
                "pain",
                "More pain at night",
                (
                    Line(
                        9.0,
                        False,
                        "The pain was worse last night and I feel hot. I took two tablets at three"
                        " o'clock.",
                    ),
                ),
            ),
        ),
    ),
    Story(
        "Cara Delgado",
        "4502",
        "1981-06-30",
        "female",
        "Laparoscopic removal of gallbladder",
        "45595009",
        "Gallstones",
        "235919008",
        3,
        (PARACETAMOL, IBUPROFEN),
        BELLY_EXERCISES,
        pulse=70,
        systolic=118,
        diastolic=74,
        weight=64.2,
        pain=3,
        last_reading_hours=14.0,
    ),
    Story(
        "Dan Everett",
        "4517",
        "1970-01-08",
        "male",
        "Repair of inguinal hernia",
        "44558001",
        "Inguinal hernia",
        "396232000",
        8,
        (PARACETAMOL,),
        BELLY_EXERCISES,
        pulse=68,
        weight=88.5,
        pain=2,
        talks=(
            Talk(
                "wound",
                "Is this bruise normal?",
                (
                    Line(
                        2.2,
                        False,
                        "There is a blue bruise below the cut, about the size of my palm. It does"
                        " not hurt. Is that normal?",
                    ),
                ),
            ),
        ),
    ),
    Story(
        "Eleni Markou",
        "4523",
        "1949-09-14",
        "female",
        "Coronary artery bypass graft",
        "232717009",
        "Coronary artery disease",
        "53741008",
        12,
        (ASPIRIN, BISOPROLOL, OMEPRAZOLE, PARACETAMOL),
        HEART_EXERCISES,
        pulse=64,
        systolic=122,
        diastolic=70,
        saturation=95,
        weight=62.0,
        trouble="weight",
    ),
    Story(
        "Farid Haidari",
        "4531",
        "1988-04-22",
        "male",
        "Reconstruction of anterior cruciate ligament",
        "",
        "Rupture of anterior cruciate ligament",
        "444448004",
        10,
        (PARACETAMOL, IBUPROFEN),
        KNEE_EXERCISES,
        pulse=62,
        systolic=120,
        diastolic=72,
        weight=79.8,
        pain=4,
    ),
    Story(
        "Grace Okonkwo-Whittington",
        "4546",
        "1975-12-03",
        "female",
        "Removal of uterus",
        "236886002",
        "Fibroids of uterus",
        "95315005",
        5,
        (PARACETAMOL, ENOXAPARIN),
        BELLY_EXERCISES,
        pulse=76,
        systolic=124,
        diastolic=76,
        weight=72.6,
        talks=(
            Talk(
                "medicine",
                "Question about the injections",
                (
                    Line(26.0, False, "How long do I need to do the injections?"),
                    Line(
                        22.0,
                        True,
                        "For 10 days in all, so 5 more. Use a new spot on your belly each evening.",
                    ),
                ),
            ),
        ),
    ),
    Story(
        "Henrik Sandberg",
        "4550",
        "1962-07-27",
        "male",
        "Repair of rotator cuff",
        "",
        "Tear of rotator cuff",
        "307731004",
        9,
        (PARACETAMOL, IBUPROFEN, METFORMIN),
        SHOULDER_EXERCISES,
        pulse=72,
        systolic=134,
        diastolic=84,
        weight=91.2,
        pain=6,
    ),
    Story(
        "Imani Brooks",
        "4563",
        "1993-02-11",
        "female",
        "Laparoscopic removal of appendix",
        "6025007",
        "Appendicitis",
        "74400008",
        2,
        (PARACETAMOL,),
        BELLY_EXERCISES,
        pulse=80,
        systolic=114,
        diastolic=70,
        weight=58.9,
        temperature=36.9,
    ),
    Story(
        "Jakub Nowak",
        "4579",
        "1966-10-05",
        "male",
        "Spinal fusion",
        "55705006",
        "Narrowing of the spinal canal",
        "76107001",
        13,
        (PARACETAMOL, OMEPRAZOLE, AMLODIPINE),
        (
            ("Walk on the flat", "15 minutes, 3 times a day"),
            ("Tighten your belly", "10 times, hold for 5 seconds"),
        ),
        pulse=74,
        systolic=138,
        diastolic=86,
        weight=94.0,
        pain=5,
        last_reading_hours=27.0,
    ),
    Story(
        "Katarzyna Vogel",
        "4584",
        "1954-05-16",
        "female",
        "Fixation of hip fracture",
        "",
        "Fracture of left hip",
        "359817006",
        7,
        (PARACETAMOL, ENOXAPARIN, METFORMIN),
        HIP_EXERCISES,
        pulse=86,
        systolic=140,
        diastolic=76,
        saturation=94,
        weight=57.3,
        trouble="breath",
    ),
    Story(
        "Lamar Fisher",
        "4598",
        "1979-08-20",
        "male",
        "Removal of part of the colon",
        "43075005",
        "Diverticular disease",
        "",
        6,
        (PARACETAMOL, ENOXAPARIN),
        BELLY_EXERCISES,
        pulse=77,
        systolic=128,
        diastolic=80,
        weight=85.4,
        talks=(
            Talk(
                "other",
                "When may I drive?",
                (
                    Line(50.0, False, "When may I drive again?"),
                    Line(
                        46.0,
                        True,
                        "Not before your visit with us. You must be able to brake hard without"
                        " pain.",
                    ),
                    Line(45.5, False, "Understood, thank you."),
                ),
            ),
        ),
    ),
)

# What the simulator lets patients write, one at a time.
REMARKS = (
    "I slept better last night.",
    "I did all my exercises today.",
    "The swelling has gone down a little.",
    "Can I take a shower with the dressing on?",
    "I walked to the corner and back.",
    "Is it fine to skip the evening tablet when I feel well?",
    "My leg feels stiff in the morning. Does that pass?",
    "Thank you for the quick answer.",
)
