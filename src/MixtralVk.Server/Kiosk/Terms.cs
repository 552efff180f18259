namespace MixtralVk.Server.Kiosk;

/// <summary>
/// What texts are compared by: the words without accents, and of longer ones each four letters in a row, so that endings, compounds and
/// slips of a finger still match, in every language of the page. Words that every question has (what, where, is) are left out.
/// </summary>
internal static class Terms
{
    private const int Letters = 4;

    private static readonly HashSet<string> s_common =
    [
        .. "a an and any are as at be been by can could did do does for from had has have he her here his how i if in is it its me much many my of on or our she should so some such tell than that the their them there these they this those to us was we were what when where which while who whose why will with would you your about please know".Split(' '),
        .. "aber alle als also am an auf aus bei bin bis bitte da damit das dass dem den der des die dies diese dieser dieses doch du durch ein eine einem einen einer eines er es fur gibt hat habe haben ich ihr ihre ihren im in ist ja kann kein keine konnen mein mich mir mit nach nicht noch nur ob oder ohne sehr sein seine sich sie sind so uber um und uns unter vom von vor war waren warum was welche welcher welches wenn wer werden wie wieso wir wird wo woher wurde zu zum zur man viel viele".Split(' '),
        .. "a au aux avec avez ce ces cet cette combien comme comment dans de des du elle elles en est et etes il ils je la le les leur lui ma mais me mes moi mon ne nos notre nous on ont ou par pas peut pour pourquoi puis qu que quel quelle quelles quels qui quand quoi sa se ses son sont sur ta te tes tu un une vos votre vous y est-ce".Split(' '),
        .. "al algo como con cual cuales cuando cuanto cuanta cuantos de del desde donde el ella ellas ellos en era es esta estan estas este esto estos fue ha hay la las le les lo los mas me mi mis muy no nos o para pero por porque puede puedo que quien quienes se ser si sin sobre son su sus te tiene tienen tu un una uno y ya".Split(' '),
        .. "ai al alla alle anche che chi ci come con cosa cui da dal dalla dei del della delle di do dove e ed era gli ha hanno ho i il in io la le lei lo loro ma mi mio ne nei nel nella non nostro o per perche piu posso puo qual quale quali quando quanto quanta quanti questa questo qui se sei si sono sua su sul sulla suo ti tra tu un una uno vi".Split(' '),
    ];

    /// <summary>The terms of a text, in order, each as often as it is there.</summary>
    public static IEnumerable<string> Of(string text)
    {
        foreach (string word in Words(text))
        {
            if (s_common.Contains(word)) continue;
            yield return word;
            if (word.Length <= Letters) continue;
            for (int i = 0; i + Letters <= word.Length; i++) yield return string.Concat("~", word.AsSpan(i, Letters));
        }
    }

    private static IEnumerable<string> Words(string text)
    {
        var word = new System.Text.StringBuilder();
        foreach (char c in text)
        {
            if (char.IsLetterOrDigit(c)) word.Append(Plain(char.ToLowerInvariant(c)));
            else if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        if (word.Length > 0) yield return word.ToString();
    }

    private static string Plain(char c) => c switch
    {
        >= 'à' and <= 'å' => "a",
        'æ' => "ae",
        'ç' => "c",
        >= 'è' and <= 'ë' => "e",
        >= 'ì' and <= 'ï' => "i",
        'ñ' => "n",
        >= 'ò' and <= 'ö' or 'ø' => "o",
        >= 'ù' and <= 'ü' => "u",
        'ý' or 'ÿ' => "y",
        'ß' => "ss",
        'œ' => "oe",
        _ => c.ToString(),
    };
}
