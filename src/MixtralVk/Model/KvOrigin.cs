using System.Reflection;
using System.Runtime.InteropServices;

namespace MixtralVk.Model;

/// <summary>
/// What the bits of keys and values depend on besides the model's file and the tokens: those of one origin are those of another only where
/// all is equal.
/// </summary>
/// <param name="Format">Storage.</param>
/// <param name="Engine">Version of this library, and the platform.</param>
/// <param name="Device">What computed them.</param>
/// <param name="Driver">Its driver, or the runtime that compiled the code.</param>
/// <param name="Orders">The order in which each kind of matrix product adds, and who computes which experts.</param>
internal sealed record KvOrigin(KvFormat Format, string Engine, string Device, string Driver, string Orders)
{
    /// <summary>The version of this library that runs, with its commit, and the platform it runs on.</summary>
    public static string ThisEngine { get; } =
        $"{typeof(KvOrigin).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion} {RuntimeInformation.RuntimeIdentifier}";
}
