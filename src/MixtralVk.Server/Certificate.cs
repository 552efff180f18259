using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MixtralVk.Server;

/// <summary>Reads the server's certificate.</summary>
internal static class Certificate
{
    /// <summary>
    /// A PEM file with its key in a second one or in itself, or a PKCS #12 file (.pfx, .p12). Throws <see cref="ServerException"/>.
    /// </summary>
    public static X509Certificate2 Read(string file, string? keyFile, string? password)
    {
        try
        {
            if (Path.GetExtension(file).ToLowerInvariant() is ".pfx" or ".p12")
                return X509CertificateLoader.LoadPkcs12FromFile(file, password);
            using X509Certificate2 pem = password is null
                ? X509Certificate2.CreateFromPemFile(file, keyFile) : X509Certificate2.CreateFromEncryptedPemFile(file, password, keyFile);
            // Windows serves no key that is in memory only.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ServerException($"The certificate {file} cannot be used: {e.Message}", e);
        }
    }
}
