/** Short dialogues for groups. `{…}` stands for a word of `WORDS`, the same one throughout a dialogue. */
export const DIALOGUES = [
  [
    "Did anybody water the {plant} today?",
    "I did, just before lunch.",
    "Thank you! The {plant} looks better already 🌱",
  ],
  ["We need more {tool} for {day}.", "How many?", "Two should do.", "I have some in the shed. I’ll bring them."],
  ["The weather for {day}: {weather}.", "Then we start early?", "Nine o’clock at the gate.", "See you there 👍"],
  ["Look what grew over night: the first {plant}!", "Wow 😍", "Can we taste it?", "Not yet, give it a week."],
  ["Who has the key of the shed?", "Me. I put it under the blue pot.", "Found it, thanks!"],
  ["I made {food} for {day}.", "You are the best!", "I’ll bring something to drink.", "And I the chairs."],
  [
    "Something eats the {plant}. Snails, I think 🐌",
    "Put some eggshells around it.",
    "Does that help?",
    "Most of the time.",
  ],
  ["Can somebody take my turn on {day}? I am away.", "I can.", "Thanks a lot, I owe you one."],
  [
    "Do we order {tool} together? It would be cheaper.",
    "Yes please, one for me.",
    "Two for me.",
    "Ordered. They come on {day}.",
  ],
  ["There is still {food} from yesterday, in the kitchen.", "Not any more 😇", "I knew it."],
  ["The tap at the back drips again.", "I’ll have a look on {day}.", "It was only the seal. Fixed."],
  ["Has anybody seen my hat?", "The straw one? It is on the scarecrow.", "Why?", "It suits him better 😄"],
  ["Shall we plant {plant} along the wall?", "It may be too dry there.", "I could lay a hose.", "Then let us try it."],
  [
    "Good news: the neighbours give us their old {tool}.",
    "All of it?",
    "All of it, and a bench.",
    "Where do we put the bench?",
  ],
  ["What do we do with so much {plant}?", "Soup!", "Soup and bread.", "Then I make {food} as well."],
  ["I read that {plant} likes music.", "Which music?", "It did not say.", "Let us begin with a waltz 🎶"],
  [
    "Reminder: meeting on {day}, after work.",
    "What is on the list?",
    "The fence, the budget, and {food}.",
    "I’m in for the third point.",
  ],
  ["Photo day on {day}! Bring your cameras.", "And what if there is {weather}?", "Then it will be art."],
];

export const WORDS = {
  plant: ["basil", "rhubarb", "mint", "kale", "pumpkin", "chard", "thyme", "lavender", "squash", "fennel", "parsley"],
  tool: ["rakes", "buckets", "gloves", "hoses", "twine", "bamboo sticks", "seed trays"],
  day: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  weather: ["light rain", "sunshine", "fog", "wind from the west", "clouds"],
  food: ["lemon cake", "potato salad", "flatbread", "plum crumble", "lentil soup", "pancakes", "a big salad"],
};

/** What Alice and Bob say, in turns. */
export const FRIENDS = [
  "Are you at home tonight?",
  "Yes, from seven on. Why?",
  "I found your book! It was behind the sofa 🙈",
  "The one about lighthouses?",
  "That one. Page 93 has a coffee stain, sorry.",
  "It had that before. I know my stains ☕",
  "Then I come by after dinner.",
  "Come before it. I have made far too much soup.",
  "Deal. I bring bread.",
  "The dark one, please.",
  "Of course the dark one.",
  "By the way: did you see the moon yesterday?",
  "No, it was cloudy here.",
  "It was huge and orange. I’ll send you a picture.",
  "Please do!",
];
