using MixtralVk.Characters;

namespace TavernGame;

/// <summary>What was said so far, in replies and tokens.</summary>
internal sealed class Talk
{
    public int Begun { get; set; }

    public int Ended { get; set; }

    /// <summary>Of those that ended, how many were complete.</summary>
    public int Complete { get; set; }

    public int Trades { get; set; }

    /// <summary>Tokens of replies.</summary>
    public long Tokens { get; set; }

    /// <summary>Tokens of prompts that were computed.</summary>
    public long PromptTokens { get; set; }

    /// <summary>Tokens of prompts that were there already: what was said before.</summary>
    public long ReusedTokens { get; set; }

    public void Add(CharacterReply reply)
    {
        Ended++;
        if (reply.Answer is not null) Complete++;
        Tokens += reply.TokenCount;
        PromptTokens += reply.Timings.PromptTokens;
        ReusedTokens += reply.Timings.ReusedTokens;
    }

    /// <summary>All of it together; allocates.</summary>
    public static Talk Sum(IEnumerable<Talk> talks) => talks.Aggregate(new Talk(), (sum, talk) =>
    {
        sum.Begun += talk.Begun;
        sum.Ended += talk.Ended;
        sum.Complete += talk.Complete;
        sum.Trades += talk.Trades;
        sum.Tokens += talk.Tokens;
        sum.PromptTokens += talk.PromptTokens;
        sum.ReusedTokens += talk.ReusedTokens;
        return sum;
    });
}
