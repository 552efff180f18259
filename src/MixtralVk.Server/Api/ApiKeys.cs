using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace MixtralVk.Server.Api;

/// <summary>The keys that open the API. Immutable and thread-safe.</summary>
internal sealed class ApiKeys
{
    private const string Scheme = "Bearer ";
    private readonly byte[][] _hashes; // SHA-256 of each key: of one length, so that a comparison takes the same time for every key

    private ApiKeys(byte[][] hashes) => _hashes = hashes;

    /// <summary>True when no key is needed.</summary>
    public bool AreNotNeeded => _hashes.Length == 0;

    /// <summary>Reads a file with one key per line; without a file no key is needed. Throws <see cref="ServerException"/>.</summary>
    public static ApiKeys Read(string? file)
    {
        if (file is null) return new ApiKeys([]);
        try
        {
            string[] keys = [.. File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];
            return keys.Length > 0 ? new ApiKeys([.. keys.Select(Hash)]) : throw new ServerException($"{file} has no key in it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerException($"The API keys cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// True when a request has one of the keys, or needs none. Takes the same time whichever key it is and however much of it is right.
    /// </summary>
    public bool Admit(HttpRequest request)
    {
        if (AreNotNeeded) return true;
        if (Given(request) is not { } given) return false;
        byte[] hash = Hash(given);
        bool found = false;
        foreach (byte[] known in _hashes) found |= CryptographicOperations.FixedTimeEquals(hash, known);
        return found;
    }

    /// <summary>The key that a request has, right or wrong; null for none.</summary>
    public static string? Given(HttpRequest request) =>
        request.Headers[HeaderNames.Authorization].ToString() is var given && given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? given[Scheme.Length..].Trim() : null;

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
