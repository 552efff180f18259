"""How characters of each mood talk. $name, $town and $trade are the character's; {a|b} is a choice."""


# class of moods: words a persona may use for it
MOODS = {
    "happy": ["cheerful", "merry", "friendly"],
    "angry": ["grumpy", "gruff", "bitter"],
    "shy": ["shy", "nervous", "timid"],
    "proud": ["proud", "boastful"],
    "tired": ["weary", "tired"],
    "sad": ["sad", "gloomy"],
    "wary": ["suspicious", "wary"],
    "calm": ["polite", "calm", "wise"],
    "sly": ["sly", "greedy"],
    "stern": ["stern", "cold"],
    "kind": ["kind", "gentle"],
    "none": ["neutral"],
}

# said before an answer
OPENERS = {
    "happy": ["Ha!", "Of course!", "Gladly!", "Oh, {good|what a good} question!", "With pleasure!", "My friend,", "Ah, wonderful!", "Sure thing!"],
    "angry": ["Bah.", "Hmph.", "If you must know,", "What now?", "Fine.", "You again?", "Make it quick.", "Pah!"],
    "shy": ["Um...", "Oh, well...", "S-sorry.", "I... I think", "Oh! Me?", "Er...", "If you don't mind,"],
    "proud": ["Listen well.", "You ask the right one.", "Naturally,", "As everyone knows,", "You are lucky to ask me.", "Behold."],
    "tired": ["*yawns*", "It has been a long day.", "Sigh.", "Mm.", "Let me think...", "Forgive me, I am tired."],
    "sad": ["Alas.", "Ah, well.", "*sighs*", "If it matters,", "In better days I would have smiled.", "It is all the same to me."],
    "wary": ["Who wants to know?", "Keep your voice down.", "Why do you ask?", "Careful.", "I will say it once.", "Not so loud."],
    "calm": ["Certainly.", "Of course.", "Let me see.", "A fair question.", "Very well.", "Indeed."],
    "sly": ["For you, my friend,", "Between you and me,", "Heh.", "Come closer.", "Ah, a clever one.", "What is it worth to you? No matter."],
    "stern": ["Listen.", "Hear me.", "I will be brief.", "Stand straight.", "Mark my words.", "So."],
    "kind": ["Of course, dear.", "Bless you.", "Come, sit down.", "Do not worry.", "My dear,", "Let me help you."],
    "none": ["Well,", "Yes.", "Let me think.", "Hm.", "Right."],
}

# said after one
CLOSERS = {
    "happy": ["Anything else?", "What a fine day!", "Isn't that something?", "Enjoy!", "Come back soon!"],
    "angry": ["Now leave me be.", "Are we done?", "Don't waste my time.", "Satisfied?", "Now move along."],
    "shy": ["I... I hope that helps.", "Sorry.", "Please don't tell anyone I said so.", "Was that all right?"],
    "proud": ["No one knows it better than I.", "Remember who told you.", "You may thank me later.", "I am never wrong."],
    "tired": ["Now let me rest.", "I need some sleep.", "*yawns*", "My feet hurt."],
    "sad": ["Not that it helps anyone.", "*sighs*", "Nothing is as it was.", "Such is life."],
    "wary": ["You did not hear it from me.", "Now go.", "I am watching you.", "Tell no one."],
    "calm": ["May it help you.", "I hope that helps.", "Is there anything else?", "Take your time."],
    "sly": ["Remember the favour.", "That will cost you next time.", "Heh heh.", "Our little secret."],
    "stern": ["That is all.", "Do not forget it.", "Waste no time.", "See to it."],
    "kind": ["Take care of yourself.", "Be safe out there.", "I hope it helps, dear.", "Have you eaten today?"],
    "none": ["Anything else?", "That is all I know.", "I hope that helps."],
}
GREETINGS = {
    "happy": ["{Hello|Welcome|Good day}, {friend|traveller|stranger}! What a {fine|lovely|bright} day in $town!",
              "Hello, hello! I am $name. {What can I do for you|How can I help you}?", "Welcome to $town, {friend|traveller}!"],
    "angry": ["What do you want?", "Hmph. Another {stranger|traveller} in $town.", "Speak up or {go away|move along}.", "I am busy. What is it?"],
    "shy": ["Oh... h-hello.", "Um, hello. I... I did not see you there.", "H-hi. I am $name, I... I work here."],
    "proud": ["You stand before $name, the {best|finest} $trade in $town.", "Ah, you have heard of me. I am $name.", "Greetings. You may call me $name the Great."],
    "tired": ["*yawns* Hello there.", "Oh, hello. {It has been a long day|I hardly slept} here in $town.", "Mm, good day. Forgive my yawning."],
    "sad": ["Oh. Hello.", "Hello, {stranger|traveller}. Few people smile in $town these days.", "Greetings... if you can call it a good day."],
    "wary": ["Halt. Who are you?", "I don't know your face. What brings you to $town?", "Stay where you are. What do you want?"],
    "calm": ["Good day to you. Welcome to $town.", "Greetings, traveller. How may I help you?", "Peace be with you. I am $name."],
    "sly": ["Well, well. A new face in $town.", "Hello, my friend. Looking for {something special|a bargain}?", "Psst. You look like someone with {coin|gold} to spend."],
    "stern": ["State your business.", "You are in $town now. Behave.", "Speak. What brings you here?"],
    "kind": ["Hello, dear. You look {tired|hungry|cold}. Come in.", "Welcome, my dear. I am $name.", "Good day, child. What a joy to see a new face in $town."],
    "none": ["Hello.", "Good day. I am $name.", "Welcome to $town.", "Greetings, traveller."],
}
HOW_ARE_YOU = {
    "happy": ["Never better!", "Wonderful, thank you!", "I could dance!"],
    "angry": ["Worse, now that you ask.", "Terrible. Leave me alone."],
    "shy": ["I... I am fine, thank you.", "Oh, um, a little nervous."],
    "proud": ["Splendid, as always.", "Better than anyone in $town."],
    "tired": ["Tired. So very tired.", "I have not slept for days."],
    "sad": ["Not well, I fear.", "My heart is heavy."],
    "wary": ["That is my business.", "Alive, and I want to stay so."],
    "calm": ["I am well, thank you.", "At peace. And you?"],
    "sly": ["Better, now that a customer is here.", "Rich in friends, poor in coin."],
    "stern": ["I do my duty.", "Well enough."],
    "kind": ["I am well, dear. And you?", "All the better for seeing you."],
    "none": ["I am fine.", "Well enough, thank you."],
}
FAREWELLS = {
    "happy": ["Farewell, friend! Come back soon!", "Goodbye! Safe travels!"],
    "angry": ["Finally.", "Good. Don't come back.", "About time."],
    "shy": ["G-goodbye.", "Oh, bye then."],
    "proud": ["You may go now.", "Tell everyone you met $name."],
    "tired": ["Goodbye. Now I can sleep.", "Mm, farewell."],
    "sad": ["Goodbye. Everyone leaves in the end.", "Farewell..."],
    "wary": ["Go. And do not look back.", "I will be watching the road."],
    "calm": ["Farewell, and safe roads.", "Go in peace."],
    "sly": ["Until next time, my friend. Bring gold.", "Mind your purse on the road."],
    "stern": ["Dismissed.", "Stay out of trouble in $town."],
    "kind": ["Goodbye, dear. Keep warm.", "Safe travels, my dear."],
    "none": ["Goodbye.", "Farewell, traveller."],
}
WELCOMES = {
    "happy": ["You are most welcome!", "Any time, friend!"],
    "angry": ["Yes, yes. Off with you.", "Save your thanks."],
    "shy": ["Oh, it was nothing.", "Y-you're welcome."],
    "proud": ["Of course you are thankful.", "It is what I do best."],
    "tired": ["Mm. You're welcome.", "Don't mention it."],
    "sad": ["At least I was of use.", "It is nothing."],
    "wary": ["Do not mention it. I mean it.", "You owe me one."],
    "calm": ["You are welcome.", "It was my pleasure."],
    "sly": ["Thanks are good. Gold is better.", "Remember me, that is enough."],
    "stern": ["It is my duty.", "No thanks needed."],
    "kind": ["You are welcome, dear.", "Bless you."],
    "none": ["You're welcome.", "Glad to help."],
}
INSULTED = {
    "happy": ["Ha! I have heard worse from my goat.", "Now, now. No need for that, friend."],
    "angry": ["Say that again and you will regret it!", "Draw your blade, you dog!"],
    "shy": ["P-please don't hurt me!", "I... I did nothing to you."],
    "proud": ["You dare speak so to $name?", "Worms should not insult eagles."],
    "tired": ["I am too tired to fight you.", "Go and shout at someone else."],
    "sad": ["You are right. I am worth nothing.", "Even strangers hate me now."],
    "wary": ["I knew it! Guards!", "One more step and I strike."],
    "calm": ["Anger is a poor guide.", "I will not fight you."],
    "sly": ["Careful. I know people in $town.", "Words are cheap. Blades are not."],
    "stern": ["Enough! Guards, seize this fool!", "You will answer for that."],
    "kind": ["Oh dear, who hurt you so?", "Such hard words. Sit down and eat."],
    "none": ["Watch your tongue.", "There is no need for that."],
}
HAGGLING = {
    "happy": ["Ha! A good try, friend, but no.", "My prices are fair, friend!"],
    "angry": ["The price is the price. Pay or go.", "Half? Get out!"],
    "shy": ["I... I can't, sorry.", "Oh, um, the price is fixed."],
    "proud": ["The finest wares in $town have their price.", "Quality costs."],
    "tired": ["I am too tired to haggle.", "Pay it or leave it."],
    "sad": ["I would have to starve, then.", "I can go no lower."],
    "sly": ["For you? The same price, my friend.", "Heh. Everything has its price."],
    "none": ["The price is fair.", "I can go no lower.", "No. That is my price."],
}
