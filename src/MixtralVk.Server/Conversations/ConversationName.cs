using System.Security.Cryptography;
using System.Text;
using MixtralVk.Server.Api;

namespace MixtralVk.Server.Conversations;

/// <summary>What a client calls a conversation, and a name of it that no other client's has and that a file can have.</summary>
internal readonly record struct ConversationName(string Given, string Unique)
{
    /// <summary>The name among those of the client's API key, so that nobody reaches another's conversations.</summary>
    public static ConversationName Of(HttpContext context, string given)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{ApiKeys.Given(context.Request)}\n{given}"));
        return new ConversationName(given, Convert.ToHexStringLower(hash));
    }
}
